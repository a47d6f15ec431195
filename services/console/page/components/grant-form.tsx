/** Approves actions of one kind ahead, within bounds, until a time. */
import { call } from '../app/call.ts'
import type { Input } from '../app/contracts.ts'
import { refusal } from '../app/session.ts'
import { FormDialog } from './form-dialog.tsx'
import { grantOf } from './grant-input.ts'
import { toast } from './toast.tsx'

type Bounds = Partial<Pick<Input<'grant.put'>, 'kind' | 'target' | 'workspace' | 'path' | 'user'>>

export function GrantForm({
  bounds = {},
  onDone,
  onClose,
}: {
  /** What is proposed. */
  bounds?: Bounds
  onDone?: () => void
  onClose: () => void
}) {
  return (
    <FormDialog
      title="Pre-approve actions"
      about="Whatever lies within these bounds runs without a question until then. Each use is recorded. Level 3 is always asked for."
      verb="Pre-approve"
      reason={refusal('grant.put')}
      fields={[
        { name: 'kind', title: 'Kind of action', value: bounds.kind, required: true, hint: 'such as service.restart' },
        { name: 'target', title: 'Target', value: bounds.target, hint: 'at least one of target, path and arguments' },
        { name: 'path', title: 'Path', value: bounds.path, hint: 'a file, or a folder with all below it' },
        { name: 'workspace', title: 'Workspace', value: bounds.workspace, hint: 'where the path starts' },
        { name: 'input', title: 'Arguments', hint: 'as JSON: {"argv": ["npm", "test"]}' },
        { name: 'user', title: 'Only requests of', value: bounds.user },
        {
          name: 'level',
          title: 'Up to level',
          options: [
            { value: '1', title: '1: a single change' },
            { value: '2', title: '2: whole plans' },
          ],
        },
        { name: 'until', title: 'For', value: '1h', required: true, hint: '30m, 2h, 7d' },
        { name: 'reason', title: 'Reason', long: true, hint: 'kept with every use' },
      ]}
      onSubmit={async (values) => {
        const grant = await call('grant.put', grantOf(values, Date.now()))
        toast(`${grant.kind} is approved ahead until ${grant.expires_at.slice(0, 16).replace('T', ' ')} UTC`)
        onDone?.()
      }}
      onClose={onClose}
    />
  )
}
