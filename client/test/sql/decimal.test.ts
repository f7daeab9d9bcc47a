import fc from "fast-check";
import { expect, test } from "vitest";
import { decimalText, parseDecimal } from "../../src/sql/decimal.js";

const as = (text: string, whole: number, places: number) => decimalText(parseDecimal(text)!, whole, places);

test.each([
  ["1234567890.12", 10, 2, "1234567890.12"],
  ["0.1", 10, 2, "0.10"],
  ["-0.00", 10, 2, "0.00"],
  ["-0.01", 10, 2, "-0.01"],
  ["1e3", 10, 2, "1000.00"],
  ["1.5E-1", 10, 2, "0.15"],
  ["123.4500000", 10, 2, "123.45"],
  ["00012", 10, 0, "12"],
  ["12345678901234567890.123456789012345678", 20, 18, "12345678901234567890.123456789012345678"],
  ["0.000000000000000000001e21", 10, 2, "1.00"],
])("%s is kept digit by digit in %i.%i digits", (text, whole, places, expected) => {
  expect(as(text, whole, places)).toEqual({ text: expected });
});

test.each([
  ["12345678901.00", "too large"],
  ["1e10", "too large"],
  ["1e999999", "too large"],
  ["0.001", "too many decimal places"],
  ["1.005", "too many decimal places"],
  ["1e-999999", "too many decimal places"],
])("%s is refused by decimal(12,2), and never rounded", (text, fault) => {
  expect(as(text, 10, 2)).toEqual({ fault });
});

test.each(["", "abc", "1,5", "1.2.3", "0x10", "NaN", "Infinity", "--1", "1e", "$5", "1e99999999"])(
  "%s is no number",
  (text) => {
    expect(parseDecimal(text)).toBeUndefined();
  },
);

test("any number of cents comes out as it went in, however it is written", () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
      fc.integer({ min: -40, max: 40 }),
      (cents, shift) => {
        const digits = String(cents < 0n ? -cents : cents).padStart(3, "0");
        const expected = `${cents < 0n ? "-" : ""}${digits.slice(0, -2)}.${digits.slice(-2)}`;
        const written = `${cents}${shift < 0 ? "0".repeat(-shift) : ""}e${-2 + Math.min(shift, 0)}`;
        expect(as(expected, 31, 2)).toEqual({ text: expected });
        expect(as(written, 31, 2)).toEqual({ text: expected });
      },
    ),
  );
});
