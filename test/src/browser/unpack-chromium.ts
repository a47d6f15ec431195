/**
 * Unpacks Chromium into `TMPDIR`, and prints how it is started, as JSON. A process of its own: the package changes the
 * environment of the one that imports it.
 */
import chromium from '@sparticuz/chromium'

const { args } = chromium
const executablePath = await chromium.executablePath()
const { LD_LIBRARY_PATH, FONTCONFIG_PATH, HOME } = process.env
process.stdout.write(JSON.stringify({ executablePath, args, env: { LD_LIBRARY_PATH, FONTCONFIG_PATH, HOME } }))
