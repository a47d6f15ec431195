/** An authenticator in software: makes one passkey, and signs with it, as a browser would pass it on. */
import { createHash, createSign, generateKeyPairSync, randomBytes } from 'node:crypto'

const PRESENT = 0x01
const VERIFIED = 0x04
const WITH_KEY = 0x40

interface Signing {
  challenge: string
  origin?: string
  rpId?: string
  /** Whether it has checked who the person is. */
  verified?: boolean
  counter?: number
}

const base64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64url')

export function openAuthenticator() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
  const credential = randomBytes(16)
  const id = base64(credential)
  const dataOf = ({ rpId = 'localhost', verified = true, counter = 0 }: Signing, flags: number): Buffer => {
    const numbers = Buffer.alloc(5)
    numbers.writeUInt8(PRESENT | (verified ? VERIFIED : 0) | flags, 0)
    numbers.writeUInt32BE(counter, 1)
    return Buffer.concat([createHash('sha256').update(rpId).digest(), numbers])
  }
  const clientData = (type: string, { challenge, origin = 'http://localhost:20123' }: Signing): Buffer =>
    Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }))
  return {
    id,
    /** @returns what `navigator.credentials.create` does */
    create(signing: Signing) {
      const key = Buffer.concat([
        // In CBOR: an elliptic key, ES256, P-256, and its two coordinates.
        Buffer.from('a5010203262001215820', 'hex'),
        Buffer.from(x, 'base64url'),
        Buffer.from('225820', 'hex'),
        Buffer.from(y, 'base64url'),
      ])
      const length = Buffer.from([0, credential.length])
      const data = Buffer.concat([dataOf(signing, WITH_KEY), Buffer.alloc(16), length, credential, key])
      const attestation = Buffer.concat([
        Buffer.from('a363666d74646e6f6e656761747453746d74a068617574684461746158', 'hex'),
        Buffer.from([data.length]),
        data,
      ])
      const response = {
        clientDataJSON: base64(clientData('webauthn.create', signing)),
        attestationObject: base64(attestation),
      }
      return {
        id,
        rawId: id,
        type: 'public-key' as const,
        response: { ...response, transports: [] },
        clientExtensionResults: {},
      }
    },
    /** @returns what `navigator.credentials.get` does */
    get(signing: Signing) {
      const [client, data] = [clientData('webauthn.get', signing), dataOf(signing, 0)]
      const signed = Buffer.concat([data, createHash('sha256').update(client).digest()])
      const signature = createSign('sha256').update(signed).sign(privateKey)
      const response = { clientDataJSON: base64(client), authenticatorData: base64(data), signature: base64(signature) }
      return { id, rawId: id, type: 'public-key' as const, response, clientExtensionResults: {} }
    },
  }
}
