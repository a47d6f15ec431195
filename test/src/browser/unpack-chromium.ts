/**
 * Unpacks Chromium into `TMPDIR`, and prints how it is started, as JSON. A process of its own: the package changes the
 * environment of the one that imports it.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import chromium from '@sparticuz/chromium'

const { args } = chromium
const executablePath = await chromium.executablePath()
const { LD_LIBRARY_PATH, FONTCONFIG_PATH = '', HOME } = process.env
// That of the package looks for the fonts in /tmp, whatever TMPDIR is, and Chromium ends itself at a field without any.
writeFileSync(
  join(FONTCONFIG_PATH, 'fonts.conf'),
  `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${FONTCONFIG_PATH}</dir><cachedir>${join(FONTCONFIG_PATH, 'cache')}</cachedir></fontconfig>
`,
)
process.stdout.write(JSON.stringify({ executablePath, args, env: { LD_LIBRARY_PATH, FONTCONFIG_PATH, HOME } }))
