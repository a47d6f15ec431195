/** The filters of placeholders, which convert the spelling of a value. */

/** Words that are reserved in one of the languages; as a name they get an underscore. */
const RESERVED = new Set(
  `abstract after all alter always analyse analyze and any array as asc assert async await begin bool boolean both box break
  by byte bytes case cast catch chan char check class collate column commit const constraint continue crate create cross
  cube current database date debugger declare def default defer del delete desc distinct do done double drop dyn elif else
  elsif end enum esac eval except exec execute exists export extends extern fallthrough false fetch fi final finally float
  fn for foreign from full func function global go goto grant group having if impl implements import in index inner insert
  instanceof int interface into is isnull join key lambda lateral leading left let like limit list local loop macro map
  match mod module move mut natural new nil none nonlocal not notnull null object of off offset on only or order outer
  override package pass placing primary priv private procedure process protected pub public raise range ref references
  require rescue return returning right rollback row rows select self set some static string struct super switch table
  text then this throw time timestamp to trailing trait transaction trigger true try type typeof union unique unless
  unsafe unsized until update use user using values var variadic view virtual void volatile when where while window with
  xor yield`.split(/\s+/),
)

/** The filters by name. Each is deterministic and never fails. */
export const FILTERS: ReadonlyMap<string, (value: string) => string> = new Map([
  ['pascal', (value) => words(value).map(capitalised).join('')],
  ['camel', (value) => unreserved(lowerFirst(words(value).map(capitalised).join('')))],
  ['snake', (value) => unreserved(words(value).join('_'))],
  ['kebab', (value) => words(value).join('-')],
  ['screaming', (value) => words(value).join('_').toUpperCase()],
  ['title', (value) => words(value).map(capitalised).join(' ')],
  ['dots', (value) => words(value).join('.')],
  ['words', (value) => words(value).join(' ')],
  ['prose', prose],
])

/**
 * The words of a name, in lower case: `userEvents`, `user-events` and `User events` have the same words. Accents are
 * dropped; a first word that begins with a digit gets the prefix `n`, so that every spelling is an identifier.
 */
function words(value: string): string[] {
  const found = value
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
  if (found[0] !== undefined && /^\d/.test(found[0])) found[0] = `n${found[0]}`
  return found
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

function unreserved(name: string): string {
  return RESERVED.has(name) ? `${name}_` : name
}

function lowerFirst(word: string): string {
  return word.charAt(0).toLowerCase() + word.slice(1)
}

/** One line that cannot end a comment or a string, in any of the languages. */
function prose(value: string): string {
  return value
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replace(/["'`\\]/g, '')
    .replace(/[#$]\{|\*\/|\/\*|--+|<!|<%|%>|<\?|\?>/g, ' ')
    .replace(/ +/g, ' ')
    .trim()
}
