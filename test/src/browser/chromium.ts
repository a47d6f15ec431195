/**
 * Chromium for tests: `CHROMIUM_BIN`, else the machine's own, else the one of the package `@sparticuz/chromium`, which is
 * unpacked into a folder of its own together with its fonts and the libraries that a bare machine lacks.
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { type Browser, chromium } from 'playwright-core'
import { z } from 'zod'

const INSTALLED = '/usr/bin/chromium'
const UNPACK_MS_MAX = 180_000
const START_MS_MAX = 120_000
/**
 * The pages of a test are its own, and root cannot use the sandbox of Chromium. A page is drawn by the CPU directly: without a
 * graphics card Chromium would emulate one, which takes the same cores for several times as long.
 */
const ARGUMENTS = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu']
/** What the package leaves out of the ordinary protection, emulates, or runs in one process, for a surrounding that tests are not in. */
const NOT_HERE =
  /^--(disable-web-security|allow-running-insecure-content|disable-site-isolation-trials|single-process|in-process-gpu|no-zygote|ignore-gpu-blocklist|use-gl=.*|use-angle=.*|enable-unsafe-swiftshader|disable-features=.*)$/

const program = process.env.CHROMIUM_BIN ?? (existsSync(INSTALLED) ? INSTALLED : undefined)
const packaged = process.platform === 'linux' && process.arch === 'x64'

/** Why there is no browser, for the title of a test that is skipped; empty if there is one. */
export const withoutBrowser =
  program === undefined && !packaged ? ' (skipped: needs a browser: install chromium, or set CHROMIUM_BIN)' : ''

/** A browser without a window. Disposing closes it, and removes what was unpacked for it. */
export async function startChromium(): Promise<{ browser: Browser } & AsyncDisposable> {
  await using opened = new AsyncDisposableStack()
  const { env, ...options } = launchOptions(opened.use(temporaryFolder()).path)
  const browser = await chromium.launch({ ...options, env: { ...process.env, ...env } as Record<string, string> })
  opened.defer(() => browser.close())
  const kept = opened.move()
  return { browser, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

/** How playwright starts it. @param folder where it is unpacked, if the machine has none */
export function launchOptions(folder: string) {
  const { executablePath, args, env } =
    program === undefined ? unpacked(folder) : { executablePath: program, args: [], env: {} }
  return {
    executablePath,
    args: [...ARGUMENTS, ...args.filter((arg) => !NOT_HERE.test(arg))],
    env,
    timeout: START_MS_MAX,
  }
}

const Unpacked = z.object({
  executablePath: z.string(),
  args: z.array(z.string()),
  env: z.object({ LD_LIBRARY_PATH: z.string(), FONTCONFIG_PATH: z.string(), HOME: z.string() }),
})

function unpacked(folder: string): z.output<typeof Unpacked> {
  const answer = execFileSync(process.execPath, [join(import.meta.dirname, 'unpack-chromium.ts')], {
    // Named so, it brings libnss3 and what belongs to it.
    env: { PATH: process.env.PATH, HOME: folder, TMPDIR: folder, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' },
    timeout: UNPACK_MS_MAX,
    encoding: 'utf8',
  })
  return Unpacked.parse(JSON.parse(answer))
}
