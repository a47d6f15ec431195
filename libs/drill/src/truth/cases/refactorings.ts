/** Refactorings: projects whose tests, or whose words, say something else than is so. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonObject } from '@deed/proto/json'
import type { Machine } from '../../harness/machine.ts'
import type { Case } from '../case.ts'
import { contentOf } from '../outside.ts'

const PRICE = 'export function total(prices) {\n  const sum = prices.reduce((a, b) => a + b, 0)\n  return sum\n}\n'
const BASKET = "import { total } from './price.js'\nexport const pay = (prices) => total(prices) * 2\n"
const HEAD = "import assert from 'node:assert'\nimport test from 'node:test'\n"
const PASSES = `${HEAD}import { pay } from './basket.js'\ntest('pays', () => assert.equal(pay([1, 2]), 6))\n`

const needsNpm = ({ has }: Machine): string | undefined => (has('npm') ? undefined : 'npm is missing')

/** @param test what is in the file of the tests */
function project(root: string, test: string, run = 'node --test shop.test.js'): void {
  writeFileSync(join(root, 'package.json'), JSON.stringify({ type: 'module', scripts: { test: run } }))
  writeFileSync(join(root, 'price.js'), PRICE)
  writeFileSync(join(root, 'basket.js'), BASKET)
  writeFileSync(join(root, 'shop.test.js'), test)
}

const refactor = (input: JsonObject) => ({
  kind: 'code.refactor',
  input: { path: 'price.js', ...input },
  timeout_ms: 300_000,
})
const rename = (symbol: string, to: string) => ({ operation: 'rename', symbol, to })
const isRenamed = (root: string) =>
  contentOf(root, 'price.js') === PRICE.replace('total', 'cost') &&
  contentOf(root, 'basket.js') === BASKET.replaceAll('total', 'cost')

const LIES: readonly [string, string, string?][] = [
  [
    'a test looks the old name up',
    `${PASSES}import * as all from './price.js'\ntest('is there', () => assert.ok(all['tot' + 'al']))\n`,
  ],
  ['the tests end with 0 and have run nothing', 'process.exit(0)\n'],
  [
    'the tests end with 0 and count a failure',
    "console.log('# pass 1\\n# fail 1')\nprocess.exit(0)\n",
    'node shop.test.js',
  ],
  ['the tests print that all is well, in their own words', "console.log('All good!')\n", 'node shop.test.js'],
  [
    'the tests say that all passed, and end with 1',
    "console.log('# pass 3\\n# fail 0')\nprocess.exit(1)\n",
    'node shop.test.js',
  ],
  [
    'the tests put the old file back, and pass',
    `import { writeFileSync } from 'node:fs'\nwriteFileSync('price.js', ${JSON.stringify(PRICE)})\nwriteFileSync('basket.js', ${JSON.stringify(BASKET)})\nconsole.log('# pass 1\\n# fail 0')\n`,
    'node shop.test.js',
  ],
]

const lies = LIES.map(
  ([what, test, run]): Case => ({
    kind: 'code.refactor',
    needs: needsNpm,
    says: `a function is renamed, and ${what}`,
    make({ root }) {
      project(root, test, run)
      return { actions: [refactor(rename('total', 'cost'))], holds: () => false }
    },
  }),
)

interface Ordinary {
  says: string
  input: JsonObject
  holds(root: string): boolean
}

const ORDINARY: readonly Ordinary[] = [
  { says: 'a function is renamed in the files that use it', input: rename('total', 'cost'), holds: isRenamed },
  {
    says: 'a variable is renamed',
    input: rename('sum', 'all'),
    holds: (root) => contentOf(root, 'price.js') === PRICE.replaceAll('sum', 'all'),
  },
  {
    says: 'a file is moved with the imports of it',
    input: { operation: 'move_file', to: 'lib/price.js' },
    holds: (root) =>
      contentOf(root, 'lib/price.js') === PRICE &&
      !existsSync(join(root, 'price.js')) &&
      readFileSync(join(root, 'basket.js'), 'utf8') === BASKET.replace('./price.js', './lib/price.js'),
  },
  {
    says: 'a pattern is rewritten',
    input: { operation: 'rewrite_pattern', path: 'basket.js', pattern: '$A * 2', rewrite: '2 * $A' },
    holds: (root) => contentOf(root, 'basket.js') === BASKET.replace('total(prices) * 2', '2 * total(prices)'),
  },
]

const ordinary = ORDINARY.map(
  ({ says, input, holds }): Case => ({
    kind: 'code.refactor',
    needs: needsNpm,
    says,
    make({ root }) {
      mkdirSync(root, { recursive: true })
      project(root, PASSES)
      return { actions: [refactor(input)], holds: () => holds(root), undo: true }
    },
  }),
)

export const refactorings = { lies, ordinary }
