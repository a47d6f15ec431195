import type { Bus, Handler } from '@deed/mesh/bus'
import { putPart } from '@deed/mesh/manifest-store'
import type { putManifest as contract } from '@deed/proto/manifest'

export function putManifest({ bus }: { bus: Bus }): Handler<typeof contract> {
  return async ({ object, part, parts, data }, { principal }) => {
    await putPart(bus.nc, { principal, object }, { part, parts }, Buffer.from(data, 'base64'))
    return { object, part }
  }
}
