/** "850 B", "12.4 KB", "3.1 MB". */
export function bytes(size: number): string {
  const unit = size < 1_000 ? 0 : size < 1_000_000 ? 1 : 2
  return unit === 0 ? `${size} B` : `${(size / 1_000 ** unit).toFixed(1)} ${unit === 1 ? 'KB' : 'MB'}`
}
