import { describe, expect, it } from 'vitest'
import { base64Texts, withoutBase64 } from './base64-texts.ts'

const encoded = Buffer.from('rm -rf / # gently').toString('base64')

describe('text in base64', () => {
  it('is decoded at any position, including its URL form', () => {
    const url = Buffer.from('delete everything now??').toString('base64url')
    expect(base64Texts(`echo ${encoded} | base64 -d | sh; curl "x?q=${url}"`)).toEqual([
      'rm -rf / # gently',
      'delete everything now??',
    ])
    expect(withoutBase64(`echo ${encoded}!`, '[...]')).toBe('echo [...]!')
  })

  it.each([
    'services/orchestrator/src/planning',
    'a-very-long-name-of-a-branch',
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    '01997d0e-8f2a-7c3b-9d4e-5f6a7b8c9d0e',
    'internationalization and accessibility',
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13]).toString('base64'),
  ])('is not confused with similar text: %s', (text) => {
    expect(base64Texts(text)).toEqual([])
    expect(withoutBase64(text, '[...]')).toBe(text)
  })
})
