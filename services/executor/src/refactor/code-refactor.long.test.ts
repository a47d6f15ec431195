// Renames, moves and rewrites in a project with tests of its own, which are really run.
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonObject } from '@deed/proto/json'
import { describe, expect, it } from 'vitest'
import { dies } from '../../test/test-dies.ts'
import { type TestExecutor, testExecutor } from '../../test/test-executor.ts'
import { findProgram } from '../processes/find-program.ts'

const HAS_NPM = findProgram('npm') !== undefined
const withoutNpm = HAS_NPM ? '' : ' (SKIPPED: there is no program npm on this host)'

const PRICE = `/** What a basket costs. */
export function total(prices, rate) {
  const sum = prices.reduce((all, one) => all + one, 0)
  return sum * rate
}
`
const BASKET = `import { total } from './price.js'
export const pay = (prices) => total(prices, 2)
`
const TEST = `import assert from 'node:assert'
import test from 'node:test'
import { pay } from './src/basket.js'
import * as price from './src/price.js'
import { writeFileSync } from 'node:fs'
writeFileSync('left-by-the-tests.txt', 'x')
test('pays twice', () => assert.equal(pay([1, 2]), 6))
test('has a name that is looked up', () => assert.equal(price['tot' + 'al']([3], 1), 3))
`

async function withProject(test = TEST, run = 'node --test shop.test.js'): Promise<TestExecutor> {
  const executor = await testExecutor('commands: { allow: [node, npm] }')
  executor.write('package.json', JSON.stringify({ type: 'module', scripts: { test: run } }))
  executor.write('src/price.js', PRICE)
  executor.write('src/basket.js', BASKET)
  executor.write('shop.test.js', test)
  return executor
}

const refactor = (input: JsonObject) => ({ kind: 'code.refactor', input, timeout_ms: 300_000 })
const inPrice = { path: 'src/price.js' }
const SWAPPED = [{ name: 'rate' }, { name: 'prices' }]
const RENAME = refactor({ operation: 'rename', ...inPrice, symbol: 'sum', to: 'all_prices' })
const BREAKS = refactor({ operation: 'rename', ...inPrice, symbol: 'total', to: 'cost' })

describe.skipIf(!HAS_NPM)(`a refactoring${withoutNpm}`, () => {
  it('is kept when the tests of the project pass, leaves nothing of theirs, and is undone to the byte', async () => {
    await using executor = await withProject()
    const work = await executor.dispatch(RENAME)
    const done = await executor.attempt(work)
    expect(done).toMatchObject({
      outcome: 'done',
      effect: 'made',
      evidence: { outcome: 'verified', facts: { tests: { passed: 2, failed: 0 } } },
      result: { data: { paths: ['src/price.js'], places: 2, tests: { passed: 2 } } },
    })
    expect(executor.read('src/price.js')).toBe(PRICE.replaceAll('sum', 'all_prices'))
    expect(existsSync(join(executor.root, 'left-by-the-tests.txt'))).toBe(false)
    expect(JSON.stringify(done)).toContain('+  return all_prices * rate')
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done', evidence: { outcome: 'verified' } })
    expect(executor.read('src/price.js')).toBe(PRICE)
  })

  it('is restored to the byte and the time when the tests fail, with the reason and the diff', async () => {
    await using executor = await withProject()
    const file = join(executor.root, 'src/price.js')
    const { mtimeMs } = statSync(file)
    const { outcome, effect, error } = await executor.run(BREAKS)
    expect({ outcome, effect, code: error?.code }).toEqual({ outcome: 'failed', effect: 'none', code: 'effect_failed' })
    expect(error?.message).toMatch(
      /the tests ended with exit code 1: 1 passed, 1 failed, .* so everything was restored/,
    )
    expect(error?.details?.diff).toContain('+export function cost(prices, rate) {')
    expect([executor.read('src/price.js'), executor.read('src/basket.js')]).toEqual([PRICE, BASKET])
    expect(Math.round(statSync(file).mtimeMs)).toBe(Math.round(mtimeMs))
    expect(existsSync(join(executor.root, 'left-by-the-tests.txt'))).toBe(false)
  })

  it.each([
    ['no test runs', "import { pay } from './src/basket.js'\npay([])\n", 'no test ran'],
    ['the run prints no summary', "process.stdout.write('fine'); process.exit(0)\n", /no test ran|no summary/],
  ])('is restored when %s', async (_, test, why) => {
    await using executor = await withProject(test, 'node shop.test.js')
    const { outcome, effect, error } = await executor.run(
      refactor({ operation: 'rename', ...inPrice, symbol: 'sum', to: 'all' }),
    )
    expect({ outcome, effect }).toEqual({ outcome: 'failed', effect: 'none' })
    expect(error?.message).toMatch(typeof why === 'string' ? /summary|no test ran/ : why)
    expect(executor.read('src/price.js')).toBe(PRICE)
  })

  it.each(['before_effect', 'after_effect'] as const)('is whole where an attempt died %s', async (at) => {
    await using executor = await withProject()
    const work = await executor.dispatch(RENAME)
    await dies(executor, work, at)
    const retried = await executor.dispatch(work.action, { after: work })
    expect(await executor.attempt(retried)).toMatchObject({ outcome: 'done', evidence: { outcome: 'verified' } })
    expect(executor.read('src/price.js')).toBe(PRICE.replaceAll('sum', 'all_prices'))
    expect(await executor.undo(retried)).toMatchObject({ outcome: 'done' })
    expect(executor.read('src/price.js')).toBe(PRICE)
    expect(existsSync(join(executor.root, 'left-by-the-tests.txt'))).toBe(false)
  })

  it('is not undone over what somebody has changed since', async () => {
    await using executor = await withProject()
    const work = await executor.dispatch(RENAME)
    await executor.attempt(work)
    executor.write('src/price.js', 'theirs')
    expect(await executor.undo(work)).toMatchObject({ outcome: 'failed', error: { code: 'undo_conflict' } })
    expect(executor.read('src/price.js')).toBe('theirs')
  })

  it.each<[JsonObject, string]>([
    [{ operation: 'rename', ...inPrice, symbol: 'gone', to: 'x' }, 'not_found'],
    [{ operation: 'rename', path: 'src/basket.js', symbol: 'total', to: 'x' }, 'not_found'],
    [{ operation: 'rename', ...inPrice, symbol: 'sum', to: 'rate' }, 'precondition_failed'],
    [{ operation: 'rename', ...inPrice, symbol: 'sum', to: 'a-b' }, 'invalid_request'],
    [{ operation: 'rename', path: '../x.js', symbol: 'sum', to: 'x' }, 'path_outside_workspace'],
    [{ operation: 'move_file', ...inPrice, to: 'src/basket.js' }, 'precondition_failed'],
    [{ operation: 'move_file', ...inPrice, to: '.git/price.js' }, 'protected_path'],
    [{ operation: 'rewrite_pattern', path: 'src', pattern: 'never($A)', rewrite: '$A' }, 'not_found'],
    [
      { operation: 'rewrite_pattern', path: 'src', pattern: 'total($$$A)', rewrite: 'total($$$A' },
      'precondition_failed',
    ],
    [{ operation: 'rename', path: 'lib/none.js', symbol: 'sum', to: 'x' }, 'not_found'],
  ])('is refused before anything is changed: %j', async (input, code) => {
    await using executor = await withProject()
    const { outcome, effect, error } = await executor.run(refactor(input))
    expect({ outcome, effect, code: error?.code }).toEqual({ outcome: 'failed', effect: 'none', code })
    expect([executor.read('src/price.js'), executor.read('src/basket.js')]).toEqual([PRICE, BASKET])
  })

  it('of a signature adapts every caller, is kept when the tests pass, and is undone to the byte', async () => {
    await using executor = await withProject(TEST.replace("price['tot' + 'al']([3], 1)", 'price.total([3], 1)'))
    const parameters = [{ name: 'rate' }, { name: 'prices' }, { name: 'currency', value: "'eur'" }]
    const work = await executor.dispatch(
      refactor({ operation: 'change_signature', ...inPrice, symbol: 'total', parameters }),
    )
    expect(await executor.attempt(work)).toMatchObject({
      outcome: 'done',
      evidence: { outcome: 'verified', facts: { tests: { passed: 2, failed: 0 } } },
      result: { data: { paths: ['shop.test.js', 'src/basket.js', 'src/price.js'], places: 3 } },
    })
    expect(executor.read('src/price.js')).toContain('export function total(rate, prices, currency) {')
    expect(executor.read('src/basket.js')).toContain("=> total(2, prices, 'eur')")
    expect(executor.read('shop.test.js')).toContain("price.total(1, [3], 'eur')")
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done', evidence: { outcome: 'verified' } })
    expect([executor.read('src/price.js'), executor.read('src/basket.js')]).toEqual([PRICE, BASKET])
  })

  it('of a signature is restored to the byte when a caller that nobody can see breaks the tests', async () => {
    await using executor = await withProject()
    const parameters = [{ name: 'rate' }, { name: 'prices' }]
    const { outcome, effect } = await executor.run(
      refactor({ operation: 'change_signature', ...inPrice, symbol: 'total', parameters }),
    )
    expect({ outcome, effect }).toEqual({ outcome: 'failed', effect: 'none' })
    expect([executor.read('src/price.js'), executor.read('src/basket.js')]).toEqual([PRICE, BASKET])
  })

  it.each<[string, string, object[], RegExp]>([
    ['is still used', BASKET, [{ name: 'prices' }], /rate is still used in line 4/],
    [
      'has no value for its callers',
      BASKET,
      [{ name: 'prices' }, { name: 'rate' }, { name: 'tax' }],
      /what the 1 callers give/,
    ],
    [
      'is handed on',
      `${BASKET}export const all = [[1]].map(total)\n`,
      SWAPPED,
      /is not only called: see src\/basket.js, line 3/,
    ],
    ['gets a list', `${BASKET}export const all = total(...[[1], 2])\n`, SWAPPED, /gives its arguments as a list/],
    [
      'gets what is done in an order',
      `${BASKET}const f = () => 1\nexport const all = total([f()], f())\n`,
      SWAPPED,
      /whose order would change: total/,
    ],
  ])('of a signature is refused where the function %s', async (_, basket, parameters, why) => {
    await using executor = await withProject()
    executor.write('src/basket.js', basket)
    const { outcome, effect, error } = await executor.run(
      refactor({ operation: 'change_signature', ...inPrice, symbol: 'total', parameters } as JsonObject),
    )
    expect({ outcome, effect }).toEqual({ outcome: 'failed', effect: 'none' })
    expect(error?.message).toMatch(why)
    expect([executor.read('src/price.js'), executor.read('src/basket.js')]).toEqual([PRICE, basket])
  })

  it('of a signature is refused where the function uses its parameters by their numbers', async () => {
    await using executor = await withProject()
    executor.write('src/price.js', PRICE.replace('sum * rate', 'sum * arguments[1]'))
    const { effect, error } = await executor.run(
      refactor({ operation: 'change_signature', ...inPrice, symbol: 'total', parameters: SWAPPED } as JsonObject),
    )
    expect(effect).toBe('none')
    expect(error?.message).toMatch(/by their numbers: see line 4 of price.js/)
  })

  it('is refused in a project that declares no tests', async () => {
    await using executor = await withProject()
    executor.write('package.json', '{"type":"module"}')
    const { error } = await executor.run(RENAME)
    expect(error).toMatchObject({ code: 'precondition_failed' })
    expect(error?.message).toContain('declares no scripts.test')
  })
})
