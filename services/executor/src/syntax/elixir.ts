/** Elixir, by its tree-sitter grammar in WebAssembly. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Language, type Node, Parser } from 'web-tree-sitter'

let loading: Promise<Language> | undefined

/** @returns what is wrong and where, or `undefined` when the whole text is accepted */
export async function parseElixir(source: string): Promise<string | undefined> {
  loading ??= loadGrammar()
  const grammar = await loading
  const parser = new Parser()
  try {
    parser.setLanguage(grammar)
    const tree = parser.parse(source)
    if (!tree) return 'the parser gave up'
    try {
      return faultIn(tree.rootNode)
    } finally {
      tree.delete()
    }
  } finally {
    parser.delete()
  }
}

/** @returns what a grammar does not accept of a text, and where; `undefined`: it accepts all of it */
export const faultIn = (root: Node): string | undefined => (root.hasError ? describe(firstFault(root)) : undefined)

async function loadGrammar(): Promise<Language> {
  await Parser.init()
  const grammar = import.meta.resolve('tree-sitter-elixir/tree-sitter-elixir.wasm')
  return Language.load(await readFile(fileURLToPath(grammar)))
}

/** The outermost node that is an error or missing; the tree is as deep as the text nests, so no recursion. */
function firstFault(root: Node): Node {
  let node = root
  while (!node.isError && !node.isMissing) {
    const next = node.children.find((child) => child?.hasError || child?.isMissing)
    if (!next) return node
    node = next
  }
  return node
}

function describe({ isMissing, type, text, startPosition: { row, column } }: Node): string {
  const what = isMissing ? `${type} is missing` : `cannot read ${JSON.stringify(text.slice(0, 40))}`
  return `line ${row + 1}, column ${column + 1}: ${what}`
}
