/** `min / median / max` of numbers. */
export function spread(numbers, digits = 2) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return [sorted.at(0), sorted.at(Math.floor(sorted.length / 2)), sorted.at(-1)]
    .map((n) => n.toFixed(digits))
    .join(" / ");
}

/** The middle of numbers (the greater of two). */
export function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

/** The value below which `share` of the numbers lie. */
export function quantile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
