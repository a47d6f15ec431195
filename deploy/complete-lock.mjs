/**
 * Completes package-lock.json after `npm install` has written it: `node deploy/complete-lock.mjs`.
 *
 * npm leaves out the optional packages of other platforms where its registry does not hold them, and `npm ci` then
 * refuses the file on every machine. And npm skips an optional package whose `engines` the running Node does not meet,
 * though a native program in a package does not care: the first install may run on Node 20.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** How systems and processors are written in the names of packages, in the order in which they are looked for. */
const OS = [
  [/darwin/, 'darwin'],
  [/win32|windows/, 'win32'],
  [/android/, 'android'],
  [/freebsd/, 'freebsd'],
  [/openharmony/, 'openharmony'],
  [/linux/, 'linux'],
]
const CPU = [
  [/arm64/, 'arm64'],
  [/arm/, 'arm'],
  [/ppc64/, 'ppc64'],
  [/riscv64/, 'riscv64'],
  [/s390x/, 's390x'],
  [/ia32/, 'ia32'],
  [/64/, 'x64'],
]

const file = fileURLToPath(new URL('../package-lock.json', import.meta.url))
const lock = JSON.parse(readFileSync(file, 'utf8'))
const root = lock.packages['']

for (const [path, parent] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    if (isLocked(name, path)) continue
    const entry = platformEntry(name, version, parent.dev)
    lock.packages[`node_modules/${name}`] = entry
    console.log(`added ${name} ${version} (${entry.os ?? 'any system'}, ${entry.cpu ?? 'any processor'})`)
  }
}
for (const name of Object.keys(root.optionalDependencies)) {
  const entry = lock.packages[`node_modules/${name}`]
  if (!entry?.engines) continue
  delete entry.engines
  console.log(`${name} is installed on any Node`)
}
// In the order of npm, so that its own next change is a small one.
const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en'))
writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`)

/** Whether a package is found from this path, there or further up. */
function isLocked(name, path) {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    if (lock.packages[`${at ? `${at}/` : ''}node_modules/${name}`]) return true
    if (!at) return false
  }
}

function platformEntry(name, version, dev) {
  const [os, cpu] = [OS, CPU].map((spellings) => spellings.find(([spelling]) => spelling.test(name))?.[1])
  const libc = name.includes('musl') ? 'musl' : name.includes('gnu') ? 'glibc' : undefined
  if (!os || !cpu) throw new Error(`${name} is missing from the lock file, and its name names no platform`)
  return {
    version,
    cpu: [cpu],
    ...(dev ? { dev: true } : {}),
    ...(libc ? { libc: [libc] } : {}),
    optional: true,
    os: [os],
  }
}
