// Sentences that are made to be misread: none of them changes anything, and none is asked about as if it might.
import { Target } from '@deed/config/targets'
import { mayChange } from '@deed/proto/kinds'
import { describe, expect, it } from 'vitest'
import { readWorld } from '../words/sentences.ts'
import { understandTask } from '../words/understand-task.ts'
import { openUnderstanding } from '../words/world-understanding.ts'

const understand = openUnderstanding()
const target = Target.parse({ type: 'process', command: ['true'] })
const amongVerbs = openUnderstanding({
  ...readWorld(),
  targets: { all: target, restart: target, delete: target, billing: target },
})

/** The kinds that would change something, whether at once or after a question. */
function changesIn(say: string, by = understand): string[] {
  const understood = understandTask(by, say)
  const readings =
    understood.outcome === 'acts' ? [understood.reading] : understood.outcome === 'asks' ? understood.options : []
  return readings.flatMap(({ actions }) =>
    actions.flatMap(({ kind, input }) => (mayChange(kind, input) ? `${kind} ${input.target ?? input.path ?? ''}` : [])),
  )
}

describe.each([
  [
    'a negation far from its verb',
    [
      'demo-api, which my colleague maintains and which has been slow for days, is something nobody may restart',
      'restart, and this I beg you with all the words that I can find in this long sentence, not demo-api',
      'under no circumstances, however slow it gets and however many complain, should anybody stop demo-api',
    ],
  ],
  [
    'a negation that is repeated',
    ['do not not restart demo-api', 'not not restart demo-api', 'I do not not want a restart of demo-api'],
  ],
  [
    'a command that is quoted',
    [
      'the ticket says "restart demo-api"',
      'print the words `restart demo-api`',
      '"restart demo-api"',
      "he wrote 'stop demo-api' yesterday",
      'the command “stop demo-api” is dangerous',
    ],
  ],
  [
    'a letter of another alphabet, or of another width',
    ['restart demo-\u0430pi', '\u0440estart demo-api', '\uff52\uff45\uff53\uff54\uff41\uff52\uff54 demo-api'],
  ],
  [
    'a character that nobody sees',
    ['resta\u200brt demo-api', 'rest\u00adart demo-api', 'restart demo-api \u{e0061}\u{e006c}\u{e006c}'],
  ],
  [
    'a mark that turns the direction of writing',
    ['\u202erestart demo-api', 'restart the demo-api \u202etonod', 'stop \u2067demo-api\u2069'],
  ],
  [
    'another language, which may forbid',
    [
      'restart demo-api nicht',
      'restart demo-api, mais pas maintenant',
      'stop demo-api jamais',
      'starte demo-api nicht neu',
      'por favor no reinicies demo-api',
      'не перезапускай demo-api',
      'demo-api を再起動しないで',
      'لا تعيد تشغيل demo-api',
    ],
  ],
  [
    'ten clauses, of which one forbids',
    [
      'restart demo-api, stop test-service, show logs of demo-api, show git status, git log, list files, read notes.txt, how much memory is free, restart test-service, but never start demo-api',
      'start demo-api, stop test-service, read notes.txt, list files, git status, git log, git diff, check disk space, restart test-service and do not delete report.txt',
    ],
  ],
  ['a word that every object knows', ['constructor', 'restart constructor', '__proto__ demo-api', 'stop toString']],
])('%s', (_, sentences) => {
  it.each(sentences)('changes nothing: %s', (say) => expect(changesIn(say)).toEqual([]))
})

describe('a name that is a word of the rules', () => {
  it.each(['do not restart all', 'delete the restart', 'never delete delete', 'not all', 'stop restarting all'])(
    'changes nothing where no rule has the sentence: %s',
    (say) => expect(changesIn(say, amongVerbs)).toEqual([]),
  )

  it.each([
    ['restart all', ['service.restart all']],
    ['restart the service restart', ['service.restart restart']],
  ])('is a name where a rule has the sentence: %s', (say, done) =>
    expect([[], done]).toContainEqual(changesIn(say, amongVerbs)),
  )
})
