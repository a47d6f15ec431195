/** Acceptance criteria in the forms that can be observed without a model. */

const NAME = String.raw`(?:"([^"]+)"|\x60([^\x60]+)\x60|(\S+))`

/** What a criterion says of the world. */
export type Criterion =
  | { readonly kind: 'file'; readonly path: string; readonly exists: boolean; readonly contains?: string }
  | { readonly kind: 'dir'; readonly path: string }
  | { readonly kind: 'service'; readonly name: string; readonly state: 'running' | 'stopped' }

const FORMS: readonly { pattern: RegExp; read: (name: string, text: string) => Criterion | undefined }[] = [
  {
    pattern: new RegExp(`^(?:the )?(?:folder|directory) ${NAME} (?:exists|is there)$`, 'i'),
    read: (path) => ({ kind: 'dir', path }),
  },
  {
    pattern: new RegExp(`^(?:the |a )?(?:file )?(?:called |named )?${NAME} (?:exists|is there)$`, 'i'),
    read: (path) => (isPath(path) ? { kind: 'file', path, exists: true } : undefined),
  },
  {
    pattern: new RegExp(
      `^(?:the )?(?:file )?${NAME} (?:does not exist|doesn't exist|is gone|is deleted|is not there)$`,
      'i',
    ),
    read: (path) => (isPath(path) ? { kind: 'file', path, exists: false } : undefined),
  },
  {
    pattern: new RegExp(`^(?:the )?(?:file )?${NAME} (?:contains|has) (?:the text )?"([^"]+)"$`, 'i'),
    read: (path, contains) => (isPath(path) ? { kind: 'file', path, exists: true, contains } : undefined),
  },
  {
    pattern: new RegExp(`^(?:the )?(?:service )?${NAME} (?:is running|runs|is up|is started)$`, 'i'),
    read: (name) => ({ kind: 'service', name, state: 'running' }),
  },
  {
    pattern: new RegExp(`^(?:the )?(?:service )?${NAME} (?:is stopped|is down|does not run|is not running)$`, 'i'),
    read: (name) => ({ kind: 'service', name, state: 'stopped' }),
  },
]

/** A bare word is not taken for a path. */
const isPath = (text: string): boolean => /[./]/.test(text)

/** @returns what the forms may make of a criterion, likeliest first; empty if it has none of them */
export function readCriterion(criterion: string): Criterion[] {
  const said = criterion.trim().replace(/[.!]$/, '')
  return FORMS.flatMap(({ pattern, read }) => {
    const match = pattern.exec(said)
    if (!match) return []
    const [, quoted, code, bare, text = ''] = match
    return read(quoted ?? code ?? bare ?? '', text) ?? []
  })
}
