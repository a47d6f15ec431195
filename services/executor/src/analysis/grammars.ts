/**
 * The grammars, and what is asked of a tree: what is declared, what is imported, and where it branches. Each query names a
 * declaration by its kind, and its name with `@name`.
 */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Language, Parser, Query } from 'web-tree-sitter'
import type { GrammarName } from './languages.ts'

export interface Grammar {
  readonly parser: Parser
  readonly query: Query
}

const ELIXIR = fileURLToPath(import.meta.resolve('tree-sitter-elixir/tree-sitter-elixir.wasm'))
const OTHERS = dirname(fileURLToPath(import.meta.resolve('@vscode/tree-sitter-wasm/wasm/tree-sitter-rust.wasm')))

const loaded = new Map<GrammarName, Promise<Grammar>>()

/** Each is loaded when the first file of its language is read. */
export function grammarOf(name: GrammarName): Promise<Grammar> {
  const known = loaded.get(name)
  if (known) return known
  const loading = load(name)
  loaded.set(name, loading)
  return loading
}

async function load(name: GrammarName): Promise<Grammar> {
  await Parser.init()
  const language = await Language.load(
    await readFile(name === 'elixir' ? ELIXIR : join(OTHERS, `tree-sitter-${name}.wasm`)),
  )
  const parser = new Parser()
  parser.setLanguage(language)
  return { parser, query: new Query(language, QUERIES[name]) }
}

const JAVASCRIPT = `
  (function_declaration name: (_) @name) @function
  (generator_function_declaration name: (_) @name) @function
  (variable_declarator name: (identifier) @name value: [(arrow_function) (function_expression)]) @function
  (class_declaration name: (_) @name) @class
  (method_definition name: (_) @name) @method
  (program [
    (lexical_declaration (variable_declarator name: (identifier) @name) @constant)
    (export_statement (lexical_declaration (variable_declarator name: (identifier) @name) @constant))
  ])
  (import_statement source: (string (string_fragment) @import))
  (export_statement source: (string (string_fragment) @import))
  (call_expression function: (import) arguments: (arguments . (string (string_fragment) @import)))
  (call_expression function: (identifier) @_require arguments: (arguments . (string (string_fragment) @import))
    (#eq? @_require "require"))
  [(if_statement) (for_statement) (for_in_statement) (while_statement) (do_statement) (switch_case) (catch_clause)
    (ternary_expression)] @branch
  (binary_expression operator: ["&&" "||" "??"]) @branch`

const TYPESCRIPT = `${JAVASCRIPT}
  (abstract_class_declaration name: (_) @name) @class
  (interface_declaration name: (_) @name) @interface
  (type_alias_declaration name: (_) @name) @type
  (enum_declaration name: (_) @name) @enum`

const QUERIES: Readonly<Record<GrammarName, string>> = {
  javascript: JAVASCRIPT,
  typescript: TYPESCRIPT,
  tsx: TYPESCRIPT,
  python: `
    (function_definition name: (_) @name) @function
    (class_definition name: (_) @name) @class
    (import_statement name: (dotted_name) @import)
    (import_statement name: (aliased_import name: (dotted_name) @import))
    (import_from_statement module_name: (_) @import)
    [(if_statement) (elif_clause) (for_statement) (while_statement) (except_clause) (conditional_expression)
      (boolean_operator) (case_clause) (if_clause)] @branch`,
  go: `
    (function_declaration name: (_) @name) @function
    (method_declaration name: (_) @name) @method
    (type_spec name: (_) @name type: (struct_type)) @class
    (type_spec name: (_) @name type: (interface_type)) @interface
    (import_spec path: (interpreted_string_literal) @import)
    [(if_statement) (for_statement) (expression_case) (type_case) (communication_case)] @branch
    (binary_expression operator: ["&&" "||"]) @branch`,
  rust: `
    (function_item name: (_) @name) @function
    (struct_item name: (_) @name) @class
    (enum_item name: (_) @name) @enum
    (trait_item name: (_) @name) @interface
    (type_item name: (_) @name) @type
    (mod_item name: (_) @name body: (_)) @module
    (mod_item name: (_) @import !body)
    (use_declaration argument: (_) @import)
    [(if_expression) (for_expression) (while_expression) (loop_expression) (match_arm)] @branch
    (binary_expression operator: ["&&" "||"]) @branch`,
  java: `
    (class_declaration name: (_) @name) @class
    (record_declaration name: (_) @name) @class
    (interface_declaration name: (_) @name) @interface
    (enum_declaration name: (_) @name) @enum
    (method_declaration name: (_) @name) @method
    (constructor_declaration name: (_) @name) @method
    (import_declaration (scoped_identifier) @import)
    [(if_statement) (for_statement) (enhanced_for_statement) (while_statement) (do_statement) (switch_label)
      (catch_clause) (ternary_expression)] @branch
    (binary_expression operator: ["&&" "||"]) @branch`,
  ruby: `
    (method name: (_) @name) @method
    (singleton_method name: (_) @name) @method
    (class name: (_) @name) @class
    (module name: (_) @name) @module
    (call method: (identifier) @_require arguments: (argument_list (string (string_content) @import))
      (#match? @_require "^require"))
    [(if) (unless) (while) (until) (for) (when) (rescue) (conditional) (if_modifier) (unless_modifier)] @branch
    (binary operator: ["&&" "||" "and" "or"]) @branch`,
  elixir: `
    (call target: (identifier) @_def (arguments (alias) @name) (#any-of? @_def "defmodule" "defprotocol")) @module
    (call target: (identifier) @_def
      (arguments [
        (identifier) @name
        (call target: (identifier) @name)
        (binary_operator left: (call target: (identifier) @name))
      ])
      (#any-of? @_def "def" "defp" "defmacro" "defmacrop")) @function
    (call target: (identifier) @_use (arguments (alias) @import) (#any-of? @_use "alias" "import" "use" "require"))
    (call target: (identifier) @_if (#any-of? @_if "if" "unless")) @branch
    (stab_clause) @branch
    (binary_operator operator: ["&&" "||" "and" "or"]) @branch`,
  bash: `
    (function_definition name: (_) @name) @function
    [(if_statement) (elif_clause) (for_statement) (while_statement) (case_item)] @branch`,
}
