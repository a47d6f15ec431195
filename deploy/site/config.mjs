/** VitePress, for the site that `build.mjs` makes. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const PAGES = join(import.meta.dirname, '..')
const REFERENCE = 'Everything else'
/** Made of text; Vue would take their braces for its own. */
const TEXT_RULES = ['text', 'code_inline', 'fence', 'code_block']

export default {
  title: 'Deed',
  description: 'Takes a task in plain words, does it for real, proves that it is done, and can undo it.',
  rewrites: { 'README.md': 'index.md' },
  srcExclude: ['.changeset/**', 'public/**'],
  ignoreDeadLinks: [(link) => existsSync(join(PAGES, 'public', link))],
  markdown: {
    config({ renderer }) {
      for (const rule of TEXT_RULES) {
        const render = renderer.rules[rule]
        renderer.rules[rule] = (...args) => render(...args).replaceAll('{{', '&#123;&#123;')
      }
    },
  },
  themeConfig: { search: { provider: 'local' }, outline: { level: [2, 3] }, sidebar: sidebar() },
}

/** By what readers want to do: the table of the README. Then the pages that it does not name. */
function sidebar() {
  const readme = readFileSync(join(PAGES, 'README.md'), 'utf8')
  const groups = [...readme.matchAll(/^\| ([^|]+?) +\| (\[.+\]\(.+?) +\|$/gm)].map(([, text, links]) => ({
    text: capitalized(text),
    items: [...links.matchAll(/\[([^\]]+)\]\(([^)#]+\.md)/g)].map(([, text, file]) => ({
      text: capitalized(text),
      link: `/${file}`,
    })),
  }))
  const named = new Set(groups.flatMap(({ items }) => items.map(({ link }) => link)))
  const others = globSync('{docs,proto,libs,services,deploy}/**/*.md', { cwd: PAGES })
    .filter((file) => !named.has(`/${file}`))
    .sort()
    .map((file) => ({ text: titleOf(file), link: `/${file}` }))
  return [...groups, { text: REFERENCE, collapsed: false, items: others }]
}

function titleOf(file) {
  return /^# (.+)$/m.exec(readFileSync(join(PAGES, file), 'utf8'))?.[1] ?? file
}

function capitalized(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`
}
