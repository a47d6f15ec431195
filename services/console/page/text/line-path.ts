/** @param heights of points at equal distances, from the top; null breaks the line. @returns the `d` of a path in SVG */
export function linePath(heights: readonly (number | null)[], width: number): string {
  let broken = true
  return heights
    .map((height, index) => {
      if (height === null) {
        broken = true
        return ''
      }
      const point = `${((width * (index + 0.5)) / heights.length).toFixed(1)} ${height.toFixed(1)}`
      // A point alone is drawn by its round end.
      const part = broken ? `M${point}L${point}` : `L${point}`
      broken = false
      return part
    })
    .join('')
}
