import { describe, expect, it } from 'vitest'
import { confirmedInput, passkeyIn } from './confirmed.ts'

describe('how a decision was confirmed', () => {
  it.each([undefined, {}, { channel: 'command', factor: 'typed' }, 'console', null])(
    'is said by the console, whatever the page says: %j',
    (confirmation) => {
      const input = { approval_id: 'a', decision: 'approve', ...(confirmation === undefined ? {} : { confirmation }) }
      expect(confirmedInput('approval.decide', input)).toEqual({
        ...{ approval_id: 'a', decision: 'approve', confirmation: { channel: 'console', factor: 'answer' } },
      })
    },
  )

  it('has what the person typed', () => {
    const input = { confirmation: { channel: 'nats', factor: 'none', typed: 'a1b2c3' } }
    expect(confirmedInput('approval.decide', input)).toEqual({
      confirmation: { channel: 'console', factor: 'typed', typed: 'a1b2c3' },
    })
    const many = { approvals: [{ typed: 'a1b2c3' }, {}], confirmation: { channel: 'command', factor: 'none' } }
    expect(confirmedInput('approval.decide-many', many)).toEqual({
      approvals: many.approvals,
      confirmation: { channel: 'console', factor: 'typed' },
    })
  })

  it('has a passkey once it was verified, and not because a page says so', () => {
    const input = { approval_id: 'a', confirmation: { factor: 'passkey', typed: 'a1b2c3', passkey: {} } }
    expect(confirmedInput('approval.decide', input, true)).toEqual({
      ...{ approval_id: 'a', confirmation: { channel: 'console', factor: 'passkey' } },
    })
    expect(confirmedInput('approval.decide', { confirmation: { factor: 'passkey' } })).toEqual({
      confirmation: { channel: 'console', factor: 'answer' },
    })
    expect(passkeyIn('approval.decide', { confirmation: { factor: 'passkey' } })).toBeUndefined()
    expect(() => passkeyIn('approval.decide', input)).toThrow('confirmation.passkey')
  })

  it('belongs to decisions alone', () => {
    expect(confirmedInput('execution.list', { confirmation: 1 })).toEqual({ confirmation: 1 })
    expect(confirmedInput('approval.decide', [1])).toEqual([1])
  })
})
