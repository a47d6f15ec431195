/** What a refactoring is asked to do, and what the engine answers: what the executor and the process of the engine share. */
import { z } from 'zod'

const Path = z.string().min(1).max(4096)
/** `total`, or `Basket.total` for what is declared inside of something. */
const Declared = z
  .string()
  .max(256)
  .regex(
    /^[\p{ID_Start}$_#][\p{ID_Continue}$]*(\.[\p{ID_Start}$_#][\p{ID_Continue}$]*)*$/u,
    'must be a name, as in total or Basket.total',
  )
const Name = z
  .string()
  .max(128)
  .regex(/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u, 'must be a name')
const Line = z.int().min(1).max(10_000_000)
const Code = z.string().min(1).max(10_000)

const Parameter = z.strictObject({
  name: Name,
  /** Of a parameter that is new. */
  type: Code.optional(),
  /** What callers give for a parameter that is new, as an expression. */
  value: Code.optional(),
})

const OPERATIONS = [
  z.strictObject({ operation: z.literal('rename'), path: Path, symbol: Declared, to: Name, line: Line.optional() }),
  z.strictObject({ operation: z.literal('move_file'), path: Path, to: Path }),
  z.strictObject({
    operation: z.literal('move_symbol'),
    path: Path,
    symbol: Declared,
    to: Path,
    line: Line.optional(),
  }),
  z.strictObject({ operation: z.literal('extract_function'), path: Path, from_line: Line, to_line: Line, name: Name }),
  z.strictObject({
    operation: z.literal('change_signature'),
    path: Path,
    symbol: Declared,
    line: Line.optional(),
    /** All that it has afterwards, in their order; a parameter that is left out is removed. */
    parameters: z.array(Parameter).max(50),
  }),
  /** `$A` stands for one node and `$$$A` for several, as ast-grep has them. */
  z.strictObject({
    operation: z.literal('rewrite_pattern'),
    path: Path,
    pattern: Code,
    rewrite: z.string().max(10_000),
  }),
] as const

/** The arguments of an action. */
export const RefactorInput = z.discriminatedUnion('operation', OPERATIONS)
export type RefactorInput = z.output<typeof RefactorInput>

/** One request to the engine; paths are relative to the root. */
export interface EngineRequest {
  /** Absolute; nothing outside of it is read. */
  readonly root: string
  readonly refactoring: RefactorInput
  /** All source files of the workspace, relative to the root. */
  readonly files: readonly string[]
}

export const EngineReply = z.union([
  z.strictObject({ refused: z.string(), code: z.enum(['not_found', 'invalid_request', 'precondition_failed']) }),
  z.strictObject({
    /** The new text of each file that changes, by path below the root; null: it is gone. */
    files: z.record(z.string(), z.string().nullable()),
    /** How many places change. */
    places: z.int(),
  }),
])
export type EngineReply = z.output<typeof EngineReply>
export type EngineChanges = Exclude<EngineReply, { refused: string }>

export const SOURCE_ENDINGS = /\.(?:[cm]?[jt]s|[jt]sx)$/
