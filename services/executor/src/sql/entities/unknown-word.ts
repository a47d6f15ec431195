import { DeedError } from '@deed/proto/errors'

/** A word that is neither a column nor a value that was found; a search of the whole table may find it. */
export class UnknownWord extends DeedError {}
