/** Tests of the suites that cannot pass, with the reason. One that passes all the same is an error: then its line has to go. */

const EXPECTED_FAILURES: readonly { readonly test: RegExp; readonly why: string }[] = [
  { test: /\/test_multi_tenant_rate_limiting\.py::/, why: 'limits per tenant are not available in this version yet' },
  { test: /\/test_epd_router\.py::/, why: 'encode workers (EPD) are not available in this version yet' },
];

/** The reason why this test may fail, or null. */
export function reasonToFail(test: string): string | null {
  return EXPECTED_FAILURES.find((entry) => entry.test.test(test))?.why ?? null;
}
