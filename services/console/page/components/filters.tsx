/** Filters of a list: fields to set them, and a chip in sight for each that applies. All are in the address. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { go, place, urlOf } from '../app/router.ts'
import { Line } from './text.tsx'

export interface FilterField {
  /** In the address. */
  readonly name: string
  readonly title: string
  /** Absent: free text. */
  readonly options?: readonly { readonly value: string; readonly title: string }[]
  readonly placeholder?: string
  /** Of options: what applies while none is chosen; absent: any. */
  readonly none?: string
}

const TYPING_MS = 250
/** More are folded on a narrow screen: see filters.css. */
const FIELDS_OF_NARROW = 2

/** Sets or removes values of the address's query; the others stay. */
export function setQuery(changes: Readonly<Record<string, string | undefined>>, { replace = false } = {}): void {
  go(urlOf(place.value.path, { ...place.value.query, ...changes }), { replace })
}

/**
 * @param faults parts of the address that are no filter, from `readQuery`
 * @param shown how much of what there is is shown: "12 of 4,120 shown"
 */
export function Filters({
  fields,
  faults = [],
  shown,
}: {
  fields: readonly FilterField[]
  faults?: readonly string[]
  shown?: string | undefined
}) {
  const { path, query } = place.value
  const [all, setAll] = useState(false)
  const active = fields.filter(({ name }) => query[name])
  const others = Object.fromEntries(Object.entries(query).filter(([key]) => !fields.some(({ name }) => name === key)))
  return (
    <search class={all ? 'filters all' : 'filters'}>
      <div class="filter-fields">
        {fields.map((field) => (
          <label key={field.name} for={`filter-${field.name}`}>
            <span>{field.title}</span>
            {field.options ? <Choice field={field} /> : <Typed field={field} />}
          </label>
        ))}
      </div>
      <div class="chips">
        {fields.length > FIELDS_OF_NARROW && (
          <button type="button" class="link more-filters" aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? 'fewer filters' : 'more filters'}
          </button>
        )}
        {active.map(({ name, title, options }) => {
          const value = query[name] ?? ''
          const words = options?.find((option) => option.value === value)?.title ?? value
          return (
            <span key={name} class="chip">
              {title}: <Line text={words} max={60} />
              <button
                type="button"
                class="icon"
                aria-label={`remove the filter ${title}`}
                onClick={() => setQuery({ [name]: undefined })}
              >
                ×
              </button>
            </span>
          )
        })}
        {active.length > 1 && (
          <a class="chip" href={urlOf(path, others)}>
            clear all
          </a>
        )}
        {shown !== undefined && (
          <span class="shown" role="status">
            {shown}
          </span>
        )}
      </div>
      {faults.length > 0 && (
        <p class="state error" role="alert">
          This address has filters that do not exist here: <Line text={faults.join(', ')} max={200} />.{' '}
          <a href={path}>Show everything</a>
        </p>
      )}
    </search>
  )
}

function Choice({ field: { name, options = [], none = 'any' } }: { field: FilterField }) {
  return (
    <select
      id={`filter-${name}`}
      name={name}
      value={place.value.query[name] ?? ''}
      onChange={(event) => setQuery({ [name]: event.currentTarget.value || undefined })}
    >
      <option value="">{none}</option>
      {options.map(({ value, title }) => (
        <option key={value} value={value}>
          {title}
        </option>
      ))}
    </select>
  )
}

function Typed({ field: { name, placeholder } }: { field: FilterField }) {
  const value = place.value.query[name] ?? ''
  const [text, setText] = useState(value)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  // The back button and the chip change the address, and the field follows.
  useEffect(() => setText(value), [value])
  useEffect(() => () => clearTimeout(timer.current), [])
  return (
    <input
      type="search"
      id={`filter-${name}`}
      name={name}
      value={text}
      placeholder={placeholder}
      autocomplete="off"
      onInput={(event) => {
        const typed = event.currentTarget.value
        setText(typed)
        clearTimeout(timer.current)
        timer.current = setTimeout(() => setQuery({ [name]: typed || undefined }, { replace: value !== '' }), TYPING_MS)
      }}
    />
  )
}
