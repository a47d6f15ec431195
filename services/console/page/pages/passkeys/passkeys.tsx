/** The passkeys of the signed-in person: with one they approve without typing. */
import type { Passkey } from '@deed/proto/console'
import { useState } from 'preact/hooks'
import { addPasskey, listPasskeys, removePasskey, withoutPasskeys } from '../../app/passkeys.ts'
import { useResource } from '../../app/resource.ts'
import { Button } from '../../components/button.tsx'
import { Empty, ErrorBlock, Loaded } from '../../components/states.tsx'
import { Line } from '../../components/text.tsx'
import { Time } from '../../components/time.tsx'

export default function Passkeys() {
  const passkeys = useResource('passkeys', listPasskeys)
  const [name, setName] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Error>()
  const change = async (work: () => Promise<void>): Promise<void> => {
    setBusy(true)
    setError(undefined)
    try {
      await work()
      setName('')
      passkeys.reload()
    } catch (cause) {
      setError(cause as Error)
    } finally {
      setBusy(false)
    }
  }
  const reason = withoutPasskeys() ?? (busy ? 'The browser asks you for it.' : undefined)
  const whyNot = reason ?? (name.trim() === '' ? 'Give it a name first.' : undefined)
  return (
    <div class="page flow">
      <header>
        <h1>Passkeys</h1>
      </header>
      <p class="quiet">
        With a passkey (a fingerprint, a face, a PIN, a security key) you approve a plan of level 2 or 3 without typing
        the beginning of its hash.
      </p>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault()
          if (whyNot === undefined) void change(() => addPasskey(name.trim()))
        }}
      >
        <label>
          <span>Name of a new one</span>{' '}
          <input value={name} maxLength={64} onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <button type="submit" class="primary" title={whyNot} aria-disabled={whyNot !== undefined}>
          Add a passkey
        </button>
      </form>
      {whyNot !== undefined && <p class="quiet">{whyNot}</p>}
      {error && <ErrorBlock error={error} />}
      <Loaded from={passkeys} what="your passkeys">
        {(list) =>
          list.length === 0 ? (
            <Empty title="You have no passkeys." />
          ) : (
            <ul aria-label="your passkeys">
              {list.map((one) => (
                <Row key={one.id} passkey={one} onRemove={() => void change(() => removePasskey(one.id))} />
              ))}
            </ul>
          )
        }
      </Loaded>
    </div>
  )
}

function Row({
  passkey: { name, created_at: created, used_at: used },
  onRemove,
}: {
  passkey: Passkey
  onRemove: () => void
}) {
  return (
    <li>
      <Line text={name} max={64} /> added <Time at={created} />,{' '}
      {used === null ? (
        'never used'
      ) : (
        <>
          used <Time at={used} />
        </>
      )}{' '}
      <Button onClick={onRemove}>Remove {name}</Button>
    </li>
  )
}
