/**
 * Counts the tests of one or more runs. Of each run `<folder>/<name>.status` is the exit code, and `<name>.json` what
 * vitest reported; `<name>.again` is the second run of the files that failed in the first. What failed is listed by
 * name, as is what passed the second time alone; what was skipped is counted by reason, before the line with the sums.
 *
 * With `--failed-files <name>` it prints the files of that run in which something failed, and nothing else.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

const AGAIN = '.again'
const FILE = 'the file itself'
const [folder, option, only] = process.argv.slice(2)
const passed = []
const failed = []
const skipped = []
const passedAgain = []

if (option === '--failed-files') {
  const files = resultsOf(only).filter(({ status }) => status === 'failed')
  for (const { name } of files) console.log(relative('.', name))
  process.exit()
}

for (const name of readdirSync(folder).flatMap((file) => file.match(/^(.*)\.status$/)?.[1] ?? [])) {
  if (name.endsWith(AGAIN)) continue
  const results = resultsOf(name)
  const again = new Map(resultsOf(name + AGAIN).map((result) => [result.name, result]))
  const failedBefore = failed.length
  for (const first of results) {
    const where = relative('.', first.name)
    const result = first.status === 'failed' ? (again.get(first.name) ?? first) : first
    const failures = failuresOf(first)
    for (const { fullName, status } of result.assertionResults) {
      if (status === 'failed') continue
      if (failures.includes(fullName)) passedAgain.push(`${where}: ${fullName}`)
      ;(status === 'passed' ? passed : skipped).push(`${where}: ${fullName}`)
    }
    if (result.status === 'failed') failed.push(...failuresOf(result).map((title) => `${where}: ${title}`))
    else if (failures.includes(FILE)) passedAgain.push(`${where}: ${FILE}`)
  }
  const code = exitCodeOf(name + AGAIN) ?? exitCodeOf(name)
  if (code !== 0 && failed.length === failedBefore) {
    const why = code >= 124 ? 'it did not come to its end' : 'an error outside of every test, or a process left behind'
    failed.push(`the run "${name}" ended with exit code ${code}: ${why}, see above`)
  }
}

const reasons = new Map()
for (const title of skipped) {
  const reason = reasonIn(title) ?? `NO REASON in ${title}`
  reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
}
if (reasons.size > 0) console.log('\nskipped:')
for (const [reason, count] of reasons) console.log(`  ${String(count).padStart(4)}  ${reason}`)
list('passed only when run again, alone', passedAgain)
list('failed', failed)
console.log(`\n${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`)
process.exitCode = failed.length > 0 || passed.length === 0 ? 1 : 0

function list(heading, titles) {
  if (titles.length > 0) console.log(`\n${heading}:`)
  for (const title of titles) console.log(`  ${title}`)
}

/** A file that could not be loaded, or whose preparations failed, has no test to say so. */
function failuresOf({ status, assertionResults: tests }) {
  const titles = tests.filter((test) => test.status === 'failed').map(({ fullName }) => fullName)
  return status === 'failed' && titles.length === 0 ? [FILE] : titles
}

/** Nothing, where there was no such run. */
function exitCodeOf(name) {
  const file = join(folder, `${name}.status`)
  if (existsSync(file)) return Number(readFileSync(file, 'utf8'))
}

function resultsOf(name) {
  try {
    return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')).testResults
  } catch {
    return []
  }
}

/** The text after `(skipped: ` in a title, to the parenthesis that closes it. */
function reasonIn(title) {
  const [, text] = title.match(/\(skipped[:,] (.*)/i) ?? []
  let depth = 1
  for (const [index, character] of [...(text ?? '')].entries()) {
    if (character === '(') depth++
    if (character === ')' && --depth === 0) return text.slice(0, index)
  }
  return text
}
