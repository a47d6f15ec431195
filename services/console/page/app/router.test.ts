import { expect, it } from 'vitest'
import { matchPath, oneOf, readPlace, readQuery, time, urlOf, uuid, words } from './router.ts'

it('an address is a path without a closing slash, and a query', () => {
  expect(readPlace('http://localhost/executions/?status=done&text=a%20b')).toEqual({
    path: '/executions',
    query: { status: 'done', text: 'a b' },
  })
  expect(readPlace('http://localhost/').path).toBe('/')
})

it('the parts of a path that begin with a colon are given to the page, decoded', () => {
  expect(matchPath('/executions/:id', '/executions/a%2Fb')).toEqual({ id: 'a/b' })
  expect(matchPath('/executions/:id', '/executions')).toBeUndefined()
  expect(matchPath('/executions/:id', '/tasks/a')).toBeUndefined()
  expect(matchPath('/', '/')).toEqual({})
})

it('a path that is not decodable matches nothing', () => {
  expect(matchPath('/executions/:id', '/executions/%E0%A4%A')).toBeUndefined()
})

it('a query is read by type, and what is unknown or malformed is named', () => {
  const types = { status: oneOf(['done', 'failed']), text: words(5), since: time, task: uuid }
  expect(readQuery({ status: 'done', text: 'abc', since: '24h' }, types)).toEqual({
    values: { status: 'done', text: 'abc', since: '24h' },
    faults: [],
  })
  expect(readQuery({ status: 'x', text: 'abcdef', since: 'soon', task: '1', constructor: 'y' }, types)).toEqual({
    values: {},
    faults: ['status=x', 'text=abcdef', 'since=soon', 'task=1', 'constructor'],
  })
})

it('an address leaves out what is not set', () => {
  expect(urlOf('/executions', { status: 'done', text: '', since: undefined })).toBe('/executions?status=done')
  expect(urlOf('/executions')).toBe('/executions')
})
