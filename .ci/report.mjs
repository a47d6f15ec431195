/**
 * Counts the tests of one or more runs. Of each run `<folder>/<name>.status` is the exit code, and `<name>.json` what
 * vitest reported. What failed is listed by name and what was skipped is counted by reason, before the line with the sums.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

const [folder] = process.argv.slice(2)
const passed = []
const failed = []
const skipped = []

for (const name of readdirSync(folder).flatMap((file) => file.match(/^(.*)\.status$/)?.[1] ?? [])) {
  const failedBefore = failed.length
  for (const { name: file, status, assertionResults: tests } of resultsOf(name)) {
    const where = relative('.', file)
    for (const { fullName, status: outcome } of tests) {
      const list = outcome === 'passed' ? passed : outcome === 'failed' ? failed : skipped
      list.push(`${where}: ${fullName}`)
    }
    // A file that could not be loaded, or whose preparations failed, has no test to say so.
    if (status === 'failed' && !tests.some((test) => test.status === 'failed')) failed.push(`${where}: the file itself`)
  }
  const code = Number(readFileSync(join(folder, `${name}.status`), 'utf8'))
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
if (failed.length > 0) console.log('\nfailed:')
for (const title of failed) console.log(`  ${title}`)
console.log(`\n${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`)
process.exitCode = failed.length > 0 || passed.length === 0 ? 1 : 0

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
