/**
 * Files with holes: what they seem to hold may be far more than what is on disk. They are kept, and told apart, as the
 * archive that tar makes of them, which names the holes and holds the rest.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, renameSync, rmdirSync, rmSync, type Stats } from 'node:fs'
import { DeedError } from '@deed/proto/errors'
import { findProgram, PROGRAM_FOLDERS } from '../processes/find-program.ts'
import type { Folder } from './folder.ts'

/** Smaller files are read whole, holes and all. */
const BYTES_MIN = 1024 * 1024
const BLOCK_BYTES = 512
const TAR_MS_MAX = 60_000
/** What the archive calls the file: the descriptor by which tar is given it. */
const MEMBER = '3'

/** Whether less than half of it is on disk. */
export const isSparse = ({ size, blocks }: Pick<Stats, 'size' | 'blocks'>): boolean =>
  size > BYTES_MIN && blocks * BLOCK_BYTES < size / 2

/**
 * The archive of a file. The same file gives the same bytes.
 *
 * @param fd of the file, open for reading
 * @param take is given the bytes as they come
 * @throws {DeedError} `limit_exceeded` where this host has no tar that knows holes
 */
export async function packSparse(fd: number, take: (chunk: Buffer) => void): Promise<void> {
  const same = ['--format=gnu', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--mode=0600']
  const args = ['--create', '--sparse', '--dereference', ...same, '--file=-', '--directory=/proc/self/fd', MEMBER]
  await tar(args, { file: fd, take })
}

/**
 * Makes the file again.
 *
 * @param temporary of a folder beside it in which it is made first
 * @param describe gives it what else there is to say of it
 */
export async function unpackSparse(
  folder: Folder,
  name: string,
  temporary: string,
  archive: Buffer,
  describe: (made: string) => Promise<void>,
): Promise<void> {
  const inside = `${folder.path}/${temporary}`
  rmSync(inside, { recursive: true, force: true })
  mkdirSync(inside, 0o700)
  await tar(['--extract', '--sparse', '--no-same-owner', '--file=-', MEMBER], { input: archive, cwd: inside })
  await describe(`${temporary}/${MEMBER}`)
  renameSync(`${inside}/${MEMBER}`, folder.at(name))
  rmdirSync(inside)
}

interface Tar {
  readonly file?: number
  readonly input?: Buffer
  readonly cwd?: string
  take?(chunk: Buffer): void
}

function tar(args: readonly string[], { file, input, cwd = '/', take }: Tar): Promise<void> {
  const program = findProgram('tar')
  if (program === undefined) throw new DeedError('limit_exceeded', 'this host has no tar to keep a file with holes')
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { PATH: PROGRAM_FOLDERS.join(':'), LANG: 'C' },
      stdio: [input ? 'pipe' : 'ignore', 'pipe', 'ignore', file ?? 'ignore'],
      timeout: TAR_MS_MAX,
      killSignal: 'SIGKILL',
    })
    child.stdout?.on('data', (chunk: Buffer) => take?.(chunk))
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve()
      else reject(new DeedError('limit_exceeded', 'a file with holes cannot be kept for an undo: tar failed'))
    })
  })
}
