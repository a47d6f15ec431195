/** What confines a program on the host. */
import type { ControlGroup } from './control-groups.ts'

export interface Sandbox {
  /** Its layers, as they are in evidence: `bwrap+seccomp+cgroup1`, `allow-list+cgroup2`, `none`. */
  readonly name: string
  /** Whether a program sees the workspace alone, and no network. */
  readonly confines: boolean
  /** Its first process stays outside until all that it has started are gone, and then ends. */
  readonly reaps?: boolean
  /** @throws {DeedError} when the command cannot be confined; it is never run with less */
  open(command: Confined): Box
}

export interface Confined {
  /** The program with its path, and its arguments as they are. */
  readonly argv: readonly string[]
  /** Absolute root of the workspace: the one place to write to. */
  readonly workspace: string
  /** false: it may write to what is protected in the workspace, as git to its own `.git`. */
  readonly protects?: boolean | undefined
  /** Absolute folders that it sees besides, and cannot change. */
  readonly reads?: readonly string[] | undefined
  /** Absolute folder, in the workspace, in which it starts. */
  readonly cwd: string
  /** The same folder, by a path at which nobody can have put another one since it was checked. */
  readonly openedCwd?: string | undefined
  readonly env: Readonly<Record<string, string>>
  /** Added to the environment, and seen nowhere else. */
  readonly secrets: Readonly<Record<string, string>>
  /** How long it may take, in milliseconds. */
  readonly timeoutMs: number
  /** The socket of the proxy by which alone it reaches the network; absent: it reaches nothing. */
  readonly egressSocket?: string | undefined
}

/** Made for one command. Disposed when its processes are gone. */
export interface Box extends AsyncDisposable {
  readonly argv: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** What its descriptors from 4 on are: an open file of this process, or bytes that it reads. */
  readonly descriptors: ReadonlyMap<number, number | Buffer>
  readonly group: ControlGroup | undefined
  /** Protected paths that the command has made or replaced where they could not be kept from it, relative to the workspace. */
  broken?(): string[]
}
