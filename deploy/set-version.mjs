/**
 * The version of a release, wherever it is written: `node deploy/set-version.mjs` takes that of the command to the others.
 * With `--check [tag]` it changes nothing, and fails where one differs.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const { version } = JSON.parse(read('libs/cli/package.json'))
const [mode, tag] = process.argv.slice(2)

/** In which file, and what is around it. */
const PLACES = [
  ['package.json', /("version": ")[^"]+(")/],
  ['deploy/helm/deed/Chart.yaml', /(^version: )\S+($)/m],
  ['deploy/helm/deed/Chart.yaml', /(^appVersion: ")[^"]+(")/m],
  ['deploy/docker/Dockerfile', /(ARG VERSION=)\S+( )/g],
  ['deploy/compose/compose.yaml', /(\$\{DEED_VERSION:-)[^}]+(\})/g],
]

const different = PLACES.filter(([file, place]) => {
  const before = read(file)
  const after = before.replace(place, (_, start, end) => `${start}${version}${end}`)
  if (after === before) return false
  if (mode !== '--check') writeFileSync(join(root, file), after)
  return true
}).map(([file]) => file)
if (mode === '--check' && tag !== undefined && tag !== `v${version}`) different.push(`the tag ${tag}`)

if (mode === '--check' && different.length > 0) {
  console.error(`the version of the command is ${version}, and another in: ${[...new Set(different)].join(', ')}`)
  process.exitCode = 1
}

function read(file) {
  return readFileSync(join(root, file), 'utf8')
}
