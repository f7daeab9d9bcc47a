/**
 * Whether a number is a multiple of another, in the decimals that they are written with (JSON Schema 2020-12, 6.2.1):
 * 19.99 is one of 0.01, which the division of binary fractions denies. Exact for every number that JavaScript prints as
 * it was written, which is up to 15 digits always.
 */
export function isMultipleOf(value: number, divisor: number): boolean {
  if (Number.isSafeInteger(value) && Number.isSafeInteger(divisor)) return value % divisor === 0;
  if (!Number.isFinite(value)) return false; // JSON.parse makes Infinity of 1e400
  const [digits, scale] = decimalOf(value);
  const [step, stepScale] = decimalOf(divisor);
  const common = Math.max(scale, stepScale);
  return (digits * power(common - scale)) % (step * power(common - stepScale)) === 0n;
}

/** A number as whole digits and how many of them stand behind the point; below zero where zeros are left out. */
function decimalOf(value: number): [digits: bigint, scale: number] {
  const [mantissa = "0", exponent = "0"] = String(value).split("e");
  const [whole = "0", fraction = ""] = mantissa.split(".");
  const scale = fraction.length - Number(exponent);
  const digits = BigInt(whole + fraction);
  return scale < 0 ? [digits * power(-scale), 0] : [digits, scale];
}

function power(exponent: number): bigint {
  return 10n ** BigInt(exponent);
}
