/** That a setting cannot be used, and how a process says so as it exits. */

/** The exit code for an unusable configuration (EX_CONFIG of sysexits.h). */
export const EX_CONFIG = 78

/** An unusable setting; the message names it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}
