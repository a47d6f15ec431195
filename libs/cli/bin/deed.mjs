#!/usr/bin/env node
/**
 * The `deed` command, on whatever Node the machine has (20 or newer): where that one is too old for this release, the
 * command runs on the Node that npm installed with it.
 */
import { spawn } from 'node:child_process'
// By its default export, which every Node has: a name that an old one lacks could not be imported.
import nodeModule from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** As in deploy/install.mjs. */
const NODE_MIN = [24, 21]

const root = fileURLToPath(new URL('../../..', import.meta.url))
const main = new URL('../src/main.ts', import.meta.url)
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const windows = process.platform === 'win32'
const { resolve } = nodeModule.createRequire(import.meta.url)

if (fileOf('commander') === undefined) {
  fail(`deed is not installed: run \`node deploy/install.mjs\` in ${root}`)
} else if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])) {
  // As the services' own, in libs/local/src/service-process.ts.
  nodeModule.enableCompileCache(fileURLToPath(new URL('../../../node_modules/.cache/compiled', import.meta.url)))
  await import(main)
} else {
  const named = fileOf(`node-${windows ? 'win' : process.platform}-${process.arch}/package.json`)
  if (named === undefined) {
    fail(
      `deed needs Node ${NODE_MIN.join('.')} or newer: \`node deploy/install.mjs\` in ${root} brings one, or says where to get it`,
    )
  } else {
    runOn(join(dirname(named), 'bin', windows ? 'node.exe' : 'node'))
  }
}

/** Where npm has put a package: below this one, or beside it. */
function fileOf(name) {
  try {
    return resolve(name)
  } catch {
    return undefined
  }
}

function runOn(node) {
  // The channel closes when this process is gone, killed outright too; the command ends then.
  const child = spawn(node, [...process.execArgv, fileURLToPath(main), ...process.argv.slice(2)], {
    stdio: windows ? 'inherit' : ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    // A terminal's Ctrl+C reaches the child by itself; sent on, it would count as a second one.
    process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY ? undefined : child.kill(signal)))
  }
  child.on('error', (error) => fail(`${node} could not be started: ${error.message}`))
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 143)
  })
}

function fail(sentence) {
  console.error(sentence)
  process.exitCode = 2
}
