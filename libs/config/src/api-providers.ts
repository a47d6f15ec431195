/** The API providers whose models Deed can ask, and the variables that hold their keys. */

export const API_PROVIDERS = ['anthropic', 'openai', 'google', 'openai-compatible'] as const
export type ApiProvider = (typeof API_PROVIDERS)[number]

/** Such as `OPENAI_COMPATIBLE_API_KEY`; with `_FILE` appended, the variable that names a file with the key. */
export const keyVariable = (provider: ApiProvider): string => `${provider.toUpperCase().replace('-', '_')}_API_KEY`
