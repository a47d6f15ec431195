/** What a refactoring is refused for: it ends in the reply, with nothing changed. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly code: 'not_found' | 'invalid_request' | 'precondition_failed'

  constructor(code: Refused['code'], message: string) {
    super(message)
    this.code = code
  }
}
