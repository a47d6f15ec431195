/** What is around every page: the navigation, the state of the connection, the keys that work everywhere. */

import type { ComponentType } from 'preact'
import { useEffect, useErrorBoundary, useState } from 'preact/hooks'
import { Sign } from '../components/sign.tsx'
import { Empty, ErrorBlock, Loading } from '../components/states.tsx'
import { Clock } from '../components/time.tsx'
import { Toasts } from '../components/toast.tsx'
import { connection } from './connection.ts'
import { inboxCount, useInboxCount } from './inbox-count.ts'
import { KeyList } from './key-list.tsx'
import { useKeys } from './keys.ts'
import { GROUPS, PAGES, type Page } from './pages.ts'
import { go, matchPath, place } from './router.ts'
import { Search, useIdPaste } from './search.tsx'
import { session, signOut } from './session.ts'
import { nextTheme, theme, utc } from './theme.ts'

type PageComponent = ComponentType<Record<string, string>>

const inNavigation = PAGES.filter(({ group }) => group)
const loadedPages = new Map<Page, PageComponent>()

export function Shell() {
  const [dialog, setDialog] = useState<'search' | 'keys'>()
  const [menu, setMenu] = useState(false)
  const { path } = place.value
  useInboxCount()
  useIdPaste()
  useKeys('Everywhere', [
    { key: '?', does: 'this list', run: () => setDialog('keys') },
    { key: '/', does: 'search; an id can be pasted anywhere', run: () => setDialog('search') },
    { key: 'Escape', does: 'back from a page to its list', run: () => goUp(place.value.path) },
    { key: 'u', does: 'times in UTC or in your zone', run: () => toggleUtc() },
    { key: 't', does: 'theme: system, light or dark', run: nextTheme },
    ...PAGES.flatMap(({ key, title, path: to }) => (key ? [{ key: `g ${key}`, does: title, run: () => go(to) }] : [])),
  ])
  // Another page closes the menu of a narrow screen
  useEffect(() => setMenu(false), [path])
  const found = findPage(path)
  const title = found?.page.title ?? 'Not found'
  const waiting = inboxCount.value?.count ?? 0
  useEffect(() => {
    document.title = `${waiting > 0 ? `(${waitingText()}) ` : ''}${title} · Deed`
  }, [title, waiting])
  const stale = connection.value.state === 'stale'
  return (
    <div class={menu ? 'shell menu-open' : 'shell'}>
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <header class="top">
        <button type="button" class="icon menu" aria-label="menu" aria-expanded={menu} onClick={() => setMenu(!menu)}>
          <Sign of="☰" />
        </button>
        <a class="name" href="/">
          Deed
        </a>
        <ConnectionState />
        <span class="space" />
        {waiting > 0 && (
          <a class="badge-link" href="/inbox" aria-label={`${waitingText()} wait for a person`}>
            <span aria-hidden="true">? </span>
            {waitingText()}
          </a>
        )}
        <button type="button" class="quiet-button" onClick={() => setDialog('search')}>
          Search <kbd>/</kbd>
        </button>
        <button type="button" class="icon" title="keys" aria-label="keys" onClick={() => setDialog('keys')}>
          ?
        </button>
      </header>
      <Navigation path={path} waiting={waiting} />
      <main id="main" tabIndex={-1} class={stale ? 'stale' : ''}>
        {found ? (
          <PageView key={found.page.path} page={found.page} parameters={found.parameters} />
        ) : (
          <Empty title="There is no such page">
            <p>
              <a href="/">Overview</a> and <a href="/executions">executions</a> are good places to begin; <kbd>/</kbd>{' '}
              searches.
            </p>
          </Empty>
        )}
      </main>
      {dialog === 'search' && <Search onClose={() => setDialog(undefined)} />}
      {dialog === 'keys' && <KeyList onClose={() => setDialog(undefined)} />}
      <Toasts />
    </div>
  )
}

function Navigation({ path, waiting }: { path: string; waiting: number }) {
  return (
    <nav aria-label="pages">
      {GROUPS.map((group) => (
        <section key={group} aria-label={group}>
          <h2>{group}</h2>
          <ul>
            {inNavigation
              .filter((page) => page.group === group)
              .map((page) => (
                <li key={page.path}>
                  <a href={page.path} aria-current={isCurrent(page, path) ? 'page' : undefined}>
                    <span>{page.title}</span>
                    {page.path === '/inbox' && waiting > 0 && <span class="badge">{waitingText()}</span>}
                    <kbd>g {page.key}</kbd>
                  </a>
                </li>
              ))}
          </ul>
        </section>
      ))}
      <section class="person" aria-label="you">
        <p>
          {session.value?.tenant}.{session.value?.user}
          <span class="quiet"> {session.value?.role}</span>
        </p>
        <p>
          <button type="button" class="link" onClick={nextTheme} title="key t">
            theme: {theme.value}
          </button>
          <button type="button" class="link" onClick={toggleUtc} title="key u" aria-pressed={utc.value}>
            times: {utc.value ? 'UTC' : 'local'}
          </button>
          <a href="/passkeys">passkeys</a>
          <button type="button" class="link" onClick={() => void signOut()}>
            sign out
          </button>
        </p>
      </section>
    </nav>
  )
}

function PageView({ page, parameters }: { page: Page; parameters: Record<string, string> }) {
  const [Shown, setShown] = useState<PageComponent | undefined>(() => loadedPages.get(page))
  const [error, setError] = useState<Error>()
  // A page that fails leaves the navigation usable.
  const [broken, repair] = useErrorBoundary()
  const load = (): void => {
    setError(undefined)
    page.load().then(({ default: Component }) => {
      loadedPages.set(page, Component)
      setShown(() => Component)
    }, setError)
  }
  useEffect(() => {
    if (!Shown) load()
  }, [page])
  if (broken) return <ErrorBlock error={broken} onRetry={repair} />
  if (Shown) return <Shown {...parameters} />
  // A new version has other file names: only a new start of the page finds them.
  return error ? <ErrorBlock error={error} onRetry={() => location.reload()} /> : <Loading what={page.title} />
}

function ConnectionState() {
  const now = connection.value
  return (
    <span class={`connection ${now.state}`} role="status">
      <span class="dot" aria-hidden="true" />
      {now.state === 'stale' ? (
        <>
          stale since <Clock at={now.since} />
        </>
      ) : (
        now.state
      )}
    </span>
  )
}

const waitingText = (): string => `${inboxCount.value?.count ?? 0}${inboxCount.value?.more ? '+' : ''}`

function findPage(path: string): { page: Page; parameters: Record<string, string> } | undefined {
  for (const page of PAGES) {
    const parameters = matchPath(page.path, path)
    if (parameters) return { page, parameters }
  }
  return undefined
}

const isCurrent = (page: Page, path: string): boolean =>
  page.path === '/' ? path === '/' : path === page.path || path.startsWith(`${page.path}/`)

function goUp(path: string): void {
  const parent = path.slice(0, path.lastIndexOf('/')) || '/'
  if (parent !== path) go(findPage(parent) ? parent : '/')
}

function toggleUtc(): void {
  utc.value = !utc.value
}
