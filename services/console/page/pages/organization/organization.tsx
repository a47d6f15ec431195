/** The organization: what is decided, who may decide it, what the roles write, and what came of it. For reading alone. */
import { oneOf, place } from '../../app/router.ts'
import { ViewTabs } from '../../components/view-tabs.tsx'
import { ChangesView } from './changes-view.tsx'
import { DecisionsView } from './decisions-view.tsx'
import { MemoriesView } from './memories-view.tsx'
import { MessagesView } from './messages-view.tsx'
import { MoneyView } from './money-view.tsx'
import { RolesView } from './roles-view.tsx'

const VIEWS = {
  decisions: DecisionsView,
  roles: RolesView,
  messages: MessagesView,
  memories: MemoriesView,
  money: MoneyView,
  changes: ChangesView,
} as const
type View = keyof typeof VIEWS

const TITLES: Readonly<Record<View, string>> = {
  decisions: 'Decisions',
  roles: 'Roles and mandates',
  messages: 'Messages',
  memories: 'Memories',
  money: 'Money',
  changes: 'What was changed',
}
const readView = oneOf(Object.keys(VIEWS) as View[])

export default function Organization() {
  const { view: named = 'decisions', ...query } = place.value.query
  const view = readView(named)
  const Shown = VIEWS[view ?? 'decisions']
  return (
    <div class="page">
      <header>
        <h1>Organization</h1>
        <span class="quiet">nine roles that decide, write to each other and remember</span>
      </header>
      <ViewTabs of="the organization" views={TITLES} view={view ?? 'decisions'} />
      <Shown key={view} query={view === undefined ? { ...query, view: named } : query} />
    </div>
  )
}
