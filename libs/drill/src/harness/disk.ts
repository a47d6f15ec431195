/** A disk of its own for one folder: one whose power can be cut, so that what was not flushed is gone, and one that fills. */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { firstMissing, type Machine } from './machine.ts'

const BYTES = 1024 ** 3
const UNMOUNT_TRIES_MAX = 100
const UNMOUNT_PAUSE_MS = 100

export interface Disk extends AsyncDisposable {
  /** Brings what the file system has in memory onto the disk. */
  flush(): void
  /** From now on nothing reaches the disk, and every access fails. */
  cutPower(): void
  /** Waits until nobody uses the folder, and mounts what has reached the disk. */
  powerUp(): Promise<void>
}

/** @returns why this machine cannot have such a disk */
export const needsDisk = ({ root, canMount, loopDevices, has }: Machine): string | undefined =>
  firstMissing(
    [root, 'only root can mount a disk of its own'],
    [canMount, 'nothing can be mounted here'],
    [loopDevices, 'there are no loop devices'],
    [has('mkfs.ext4'), 'there is no mkfs.ext4'],
    [has('python3'), 'there is no python3, which cuts the power of a file system'],
  )

/** The EXT4_IOC_SHUTDOWN of linux/ext4.h, with EXT4_GOING_FLAGS_NOLOGFLUSH. */
const CUT = `import fcntl,os,struct,sys
fcntl.ioctl(os.open(sys.argv[1],os.O_RDONLY),0x8004587D,struct.pack('I',2))`

/** @param image path of the file that is the disk; sparse, a gigabyte */
export function mountDisk(folder: string, image: string): Disk {
  mkdirSync(folder, { recursive: true })
  const run = (program: string, ...args: string[]) =>
    execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  run('truncate', '-s', String(BYTES), image)
  run('mkfs.ext4', '-q', '-F', image)
  const mount = () => run('mount', '-o', 'loop', image, folder)
  mount()
  return {
    flush: () => run('sync', '-f', folder),
    cutPower: () => run('python3', '-c', CUT, folder),
    async powerUp() {
      for (let tries = 0; ; tries++) {
        try {
          run('umount', folder)
          break
        } catch (error) {
          // The children of a killed server take a moment to end.
          if (tries === UNMOUNT_TRIES_MAX) throw error
          await sleep(UNMOUNT_PAUSE_MS)
        }
      }
      mount()
    },
    async [Symbol.asyncDispose]() {
      run('umount', '-l', folder)
    },
  }
}

export interface SmallDisk extends Disposable {
  /** To the last byte. */
  fill(): void
  /** Takes back what it was filled with. */
  free(): void
}

const BLOCK = Buffer.alloc(4_096)

/** @returns why this machine cannot have a small disk */
export const needsSmallDisk = ({ canMount }: Machine): string | undefined =>
  canMount ? undefined : 'only root can mount a small file system'

/** In memory. */
export function mountSmallDisk(folder: string, bytes: number): SmallDisk {
  mkdirSync(folder, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=755`, 'deed-drill', folder])
  const ballast = join(folder, 'ballast')
  return {
    fill() {
      const file = openSync(ballast, 'a')
      try {
        for (;;) writeSync(file, BLOCK)
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
      } finally {
        closeSync(file)
      }
    },
    free: () => rmSync(ballast, { force: true }),
    [Symbol.dispose]: () => void execFileSync('umount', ['-l', folder]),
  }
}
