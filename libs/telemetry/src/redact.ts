/**
 * Redacts secrets in everything that is logged, traced, shown and stored.
 *
 * A registered secret is found verbatim, in base64 (also inside a longer encoded text), URL-encoded and JSON-escaped,
 * nested to any depth. In addition, texts that look like credentials are redacted: passwords in URLs and assignments,
 * Authorization headers, API keys with a known prefix, private keys.
 *
 * Nearly every text has no secret, so that case is fast; the exact search runs only if a quick check finds a candidate.
 * A text must be redacted whole: a secret that is split over two calls is not found.
 */
import { findAny, WORD_CHARS_MIN } from './find-any.ts'
import { placesOf, type SecretForm, secretForms, withoutEscapes } from './secret-forms.ts'

/**
 * Makes `redact` find this value from now on, in this process.
 *
 * Surrounding white space is ignored. Each line of a multi-line value is a secret, too, since it may be printed
 * separately. Values below 6 bytes are ignored: they would match by chance.
 */
export function registerSecret(value: string): void {
  const secret = value.trim()
  if (Buffer.byteLength(secret) < SECRET_BYTES_MIN || secrets.has(secret)) return
  secrets.add(secret)
  search = undefined
  const lines = secret.split(/\r?\n/)
  if (lines.length > 1) for (const line of lines) if (line.trim().length >= SECRET_LINE_CHARS_MIN) registerSecret(line)
}

/**
 * Registers the values of variables with secret names, such as `ANTHROPIC_API_KEY`, and the passwords in URLs such as
 * `DATABASE_URL`. A password that equals the user name is not a secret, and is ignored.
 */
export function registerSecretsOf(env: NodeJS.ProcessEnv): void {
  for (const [name, value] of Object.entries(env)) {
    if (!value) continue
    if (isSecretVariable(name)) registerSecret(value)
    else if (value.includes('://') && URL.canParse(value)) {
      const { username, password } = new URL(value)
      if (password === username) continue
      registerSecret(password)
      registerSecret(decoded(password))
    } else if (name.endsWith('_HEADERS')) {
      for (const header of value.split(',')) registerSecret(header.slice(header.indexOf('=') + 1))
    }
  }
}

/** Whether a variable of this name holds a secret, by its name alone: `API_KEY`, `DB_PASSWORD`. */
export const isSecretVariable = (name: string): boolean => SECRET_VARIABLE.test(name)

/** The text with `[redacted]` in place of each secret. Idempotent. */
export function redact(text: string): string {
  return redactWith(text, () => REDACTED)
}

/** As `redact`, for a text whose lines are counted: the line breaks within a secret stay. */
export function redactLines(text: string): string {
  return redactWith(text, (found) => REDACTED + found.replace(/[^\n]+/g, ''))
}

/** @param hidden what takes the place of a secret */
function redactWith(text: string, hidden: (found: string) => string): string {
  search ??= secretSearch()
  const clean = search.mayHold(text) ? redactSecrets(text, search, hidden) : text
  return looksLikeCredentials(clean) ? redactCredentials(clean, hidden) : clean
}

/**
 * Whether the text contains a registered secret in any encoding; texts that only look like a credential do not count.
 */
export function holdsSecret(text: string): boolean {
  search ??= secretSearch()
  return search.mayHold(text) && redactSecrets(text, search, () => REDACTED) !== text
}

/**
 * A JSON value with the secrets in its strings and keys redacted, and the whole string under a key such as `password`.
 * A value without secrets is returned uncopied.
 */
export function redactValue<T>(value: T): T
export function redactValue(value: unknown): unknown {
  return isSurelyClean(JSON.stringify(value)) ? value : redactParts(value)
}

/** One check of the whole is cheaper than one per string. Without escapes, the JSON contains every string verbatim. */
function isSurelyClean(json: string | undefined): boolean {
  if (json === undefined) return true
  search ??= secretSearch()
  return !json.includes('\\') && !search.mayHold(json) && !looksLikeCredentials(json)
}

function redactParts(value: unknown): unknown {
  if (typeof value === 'string') return redact(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => redactParts(item))
    return items.some((item, i) => item !== value[i]) ? items : value
  }
  let changed = false
  const entries = Object.entries(value).map(([key, field]: [string, unknown]): [string, unknown] => {
    const cleanKey = redact(key)
    const clean = typeof field === 'string' && SECRET_KEY.test(key) ? REDACTED : redactParts(field)
    changed ||= cleanKey !== key || clean !== field
    return [cleanKey, clean]
  })
  return changed ? Object.fromEntries(entries) : value
}

const REDACTED = '[redacted]'
const SECRET_BYTES_MIN = 6
/** Shorter lines of a multi-line secret, such as a brace, are too common to be redacted. */
const SECRET_LINE_CHARS_MIN = 16
const SECRET_VARIABLE = /(?:^|_)(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASS|CREDENTIALS)$|PASSWORD$/i

interface Search {
  readonly forms: readonly SecretForm[]
  /** Whether a text is worth decoding. */
  mayHold(text: string): boolean
  /** Whether a decoded text is worth searching for each form. */
  mayHoldBare(bare: string): boolean
}

const secrets = new Set<string>()
let search: Search | undefined

function secretSearch(): Search {
  const forms = [...secrets].flatMap(secretForms)
  const long = (text: string) => text.length >= WORD_CHARS_MIN
  const texts = forms.map(({ text }) => text)
  const bares = forms.map(({ bare }) => bare)
  const holdsText = findAny(texts.filter(long))
  const holdsBare = findAny(bares.filter(long))
  // Six bytes may be two characters, and a decoded text has no backslashes: too little for the quick check.
  const always = !texts.every(long) || !bares.every(long)
  return {
    forms,
    mayHold: (text) => always || holdsText(text) || (forms.length > 0 && mayBeEncoded(text)),
    mayHoldBare: (bare) => always || holdsBare(bare),
  }
}

function redactSecrets(text: string, { forms, mayHoldBare }: Search, hidden: (found: string) => string): string {
  const reading = withoutEscapes(text)
  let clean = text
  if (mayHoldBare(reading.bare)) {
    const places = forms.flatMap((form) => [...placesOf(form, reading)]).sort(([a], [b]) => a - b)
    clean = ''
    let kept = 0
    for (const [start, end] of places) {
      if (start >= kept) clean += text.slice(kept, start) + hidden(text.slice(start, end))
      kept = Math.max(kept, end)
    }
    clean += text.slice(kept)
  }
  // The beginning of a secret may coincide with the end of an escape, which hides it in the decoded text.
  for (const form of forms) if (clean.includes(form.text)) clean = clean.replaceAll(form.text, hidden)
  return clean
}

/** Whether a text has a JSON or URL escape, or a line break that may be inside base64. */
function mayBeEncoded(text: string): boolean {
  if (text.includes('\\') || text.includes('%') || text.includes('+')) return true
  const lineEnd = text.indexOf('\n')
  return lineEnd !== -1 && lineEnd < text.length - 1
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A stray percent sign: the text is not URL-encoded and decodes to itself.
    return text
  }
}

// `secret` and `token` alone are excluded: names of secrets and token counts are needed facts.
const NAMES =
  'pass(?:word|wd|phrase)|api[_-]?key|(?:access|auth|refresh|id|bearer)[_-]?token|client[_-]?secret|private[_-]?key'
const SECRET_KEY = new RegExp(`(?:${NAMES}|^authorization)$`, 'i')

/** Every match of `CREDENTIALS` contains one of these. */
const looksLikeCredentials = findAny([
  ...['://', 'bearer', 'authorization', 'private key', 'passw', 'passphrase', 'apikey', 'api_key', 'api-key'],
  ...['s_token', 'h_token', 'd_token', 'r_token', 's-token', 'h-token', 'd-token', 'r-token'],
  ...['stoken', 'htoken', 'dtoken', 'rtoken', 'clientsecret', 'client_secret', 'client-secret'],
  ...['privatekey', 'private_key', 'private-key'],
  ...[
    'sk-',
    'k_live_',
    'k_test_',
    'ghp_',
    'gho_',
    'ghu_',
    'ghs_',
    'ghr_',
    'github_pat_',
    'glpat-',
    'xox',
    'akia',
    'asia',
  ],
  ...['aiza', 'npm_', 'hf_', 'eyj'],
])

// A known prefix begins a word, possibly after an escape such as `\n` or `%3D`, whose last character is a letter.
const WORD_BEGINS = '(?<!(?<!\\\\|%[0-9A-Fa-f])[A-Za-z0-9])'

/** Patterns of credentials; the first group of each is kept. */
const CREDENTIALS: readonly RegExp[] = [
  // A private key, or the beginning of one: a log may truncate it.
  /()-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----[\w+/=\s:,.\\()-]*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|(?=\\*[^\w+/=\s:,.\\()-]|$))/g,
  /(:\/\/[^\s:@/?#"'<>\\]*:)[^\s/?#"'<>\\]+(?=@)/g,
  /(authorization\\*["']?\s*[:=]\s*\\*["']?(?:(?:bearer|basic|token|negotiate)\s+)?)[^\s"'\\,;]+/gi,
  /(bearer\s+)(?=[A-Za-z._~+/=-]*\d)[\w.~+/=-]{8,}/gi,
  new RegExp(`((?:${NAMES})=\\\\*["']?)[^\\s"'\\\\,;&]+`, 'gi'),
  new RegExp(`((?:${NAMES})\\\\*"\\s*:\\s*(\\\\*"))[^\\n]*?(?<!\\\\)(?=\\2)`, 'gi'),
  new RegExp(
    `(${WORD_BEGINS})(?:${[
      'sk-[\\w-]{20,}',
      '[sr]k_(?:live|test)_\\w{16,}',
      'gh[pousr]_\\w{30,}',
      'github_pat_\\w{30,}',
      'glpat-[\\w-]{20,}',
      'xox[abeprs]-[\\w-]{10,}',
      'A[KS]IA[0-9A-Z]{16}',
      'AIza[\\w-]{35}',
      'npm_[A-Za-z0-9]{36}',
      'hf_[A-Za-z0-9]{30,}',
      // The first part is bounded, since it is tried at every position.
      'eyJ[\\w-]{8,1000}\\.eyJ[\\w-]{8,}\\.[\\w-]+',
    ].join('|')})`,
    'g',
  ),
]

function redactCredentials(text: string, hidden: (found: string) => string): string {
  let clean = text
  for (const pattern of CREDENTIALS)
    clean = clean.replace(pattern, (found: string, kept: string) => kept + hidden(found.slice(kept.length)))
  return clean
}
