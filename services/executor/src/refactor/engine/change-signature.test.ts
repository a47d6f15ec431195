// The lists of parameters and arguments in the forms that a grammar lets them have.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { expect, it } from 'vitest'
import { changeSignature, type Parameter } from './change-signature.ts'
import { openProject } from './project.ts'

const changed = (text: string, symbol: string, parameters: readonly Parameter[]): string | null | undefined => {
  using folder = temporaryFolder()
  writeFileSync(join(folder.path, 'code.js'), text)
  const project = openProject(folder.path, ['code.js'], 'code.js')
  changeSignature(project, join(folder.path, 'code.js'), symbol, parameters)
  return project.changed()['code.js']
}
const X = { name: 'x' }
const Y = { name: 'y', value: '2' }

it.each<[string, string, string, readonly Parameter[], string]>([
  [
    'puts brackets around the parameters of an arrow function that had one without',
    'const add = x => x + 1\nadd(1)\n',
    'add',
    [X, Y],
    'const add = (x, y) => x + 1\nadd(1, 2)\n',
  ],
  [
    'leaves an arrow function without parameters its brackets',
    'const one = x => 1\none(1)\n',
    'one',
    [],
    'const one = () => 1\none()\n',
  ],
  [
    'keeps brackets, and the keyword before them',
    'const add = async (x) => x\nadd(add(1))\n',
    'add',
    [X, Y],
    'const add = async (x, y) => x\nadd(add(1, 2), 2)\n',
  ],
  [
    'adds the arguments of a function that is called within a list that changes, too',
    'function add(x) {}\nadd(add(1))(add(3))\n',
    'add',
    [Y, X],
    'function add(y, x) {}\nadd(2, add(2, 1))(add(2, 3))\n',
  ],
])('%s', (_, text, symbol, parameters, wanted) => {
  expect(changed(text, symbol, parameters)).toBe(wanted)
})

it.each([
  ['new Basket\nnew Basket()\n', 'new Basket(2)\nnew Basket(2)\n'],
  ['const b = (new Basket).x\n', 'const b = (new Basket(2)).x\n'],
])('gives what a constructor without brackets lacks: %j', (uses, wanted) => {
  const text = (uses: string, parameters: string) => `function Basket(${parameters}) {}\n${uses}`
  expect(changed(text(uses, ''), 'Basket', [Y])).toBe(text(wanted, 'y'))
})
