/** The views of a page, as links; the digits are their keys. The view is in the address. */
import { useKeys } from '../app/keys.ts'
import { go, place, urlOf } from '../app/router.ts'

/**
 * @param of what has the views, in words: "this execution"
 * @param kept parts of the address that stay
 */
export function ViewTabs<View extends string>({
  of,
  views,
  view,
  kept = [],
}: {
  of: string
  /** Their names in the address, and their titles; the first one is shown without a name. */
  views: Readonly<Record<View, string>>
  view: View
  kept?: readonly string[]
}) {
  const names = Object.keys(views) as View[]
  const inAddress = (name: View): string | undefined => (name === names[0] ? undefined : name)
  const urlOfView = (name: View): string =>
    urlOf(place.value.path, {
      view: inAddress(name),
      ...Object.fromEntries(kept.map((one) => [one, place.value.query[one]])),
    })
  useKeys(
    `The views of ${of}`,
    names.map((name, index) => ({
      key: String(index + 1),
      does: views[name],
      run: () => go(urlOfView(name)),
    })),
  )
  return (
    <ul class="view-tabs" aria-label={`views of ${of}`}>
      {names.map((name, index) => (
        <li key={name}>
          <a href={urlOfView(name)} aria-current={name === view ? 'page' : undefined} title={`key ${index + 1}`}>
            {views[name]}
          </a>
        </li>
      ))}
    </ul>
  )
}
