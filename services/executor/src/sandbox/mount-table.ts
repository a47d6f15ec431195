/** The mounts that this process sees, and lines of fstab(5) that show parts of them elsewhere. */
import { readFileSync } from 'node:fs'

export interface Mount {
  /** Absolute. */
  readonly point: string
  readonly options: readonly string[]
  /** Of what is mounted: the same for each part of one file system. */
  readonly device: string
  /** As in `ext4`. */
  readonly type: string
  /** What is mounted, as in `/dev/sda1`. */
  readonly source: string
}

/** @see proc(5), `/proc/self/mountinfo` */
export function readMounts(): Mount[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [mounted = '', about = ''] = line.split(' - ')
      const [, , device = '', , point, options] = mounted.split(' ')
      const [type = '', source = ''] = about.split(' ')
      return point === undefined || options === undefined
        ? []
        : [{ point: unescaped(point), options: options.split(','), device, type, source }]
    })
}

/** The mount that a path is in: of several at one point, the one that is seen. @param path absolute, without links */
export const mountAt = (mounts: readonly Mount[], path: string): Mount | undefined =>
  mounts
    .filter(({ point }) => point === path || path.startsWith(point === '/' ? '/' : `${point}/`))
    .reduce<Mount | undefined>(
      (inner, one) => (inner && inner.point.length > one.point.length ? inner : one),
      undefined,
    )

/** A line of fstab(5). */
export const fstabLine = (from: string, to: string, type: string, options: string): string =>
  `${escaped(from)} ${escaped(to)} ${type} ${options} 0 0\n`

/**
 * Shows `from` at `to` without devices and set-user-ID programs.
 *
 * A mount that this process has from elsewhere can be shown only with all mounts below it, and with none of the
 * restrictions that it has left out.
 *
 * @param access `ro`: nothing in it can be changed, in the mounts below it neither
 */
export function bindLines(mounts: readonly Mount[], from: string, to: string, access: 'ro' | 'rw'): string {
  const options = (path: string) => {
    const around = mounts.findLast(({ point }) => point === path || path.startsWith(point === '/' ? '/' : `${point}/`))
    return `${access},nosuid,nodev${around?.options.includes('noexec') ? ',noexec' : ''},X-mount.mkdir`
  }
  const below = access === 'ro' ? mounts.filter(({ point }) => point.startsWith(`${from}/`)) : []
  return [
    fstabLine(from, to, 'none', `rbind,${options(from)}`),
    ...below.map(({ point }) => fstabLine(point, to + point.slice(from.length), 'none', `bind,${options(point)}`)),
  ].join('')
}

/** As proc(5) and fstab(5) write paths. */
export const escaped = (path: string): string =>
  path.replace(/[ \t\n\\]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`)

const unescaped = (path: string) =>
  path.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
