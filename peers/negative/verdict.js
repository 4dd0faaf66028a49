// Who is right where the two answers differ, and why. The clause stands in the row.
//
// `both` is for what the standards leave open, also where a clause of ours goes beyond them.

const verdict = (right) => (why) => ({ right, why })

export const right = { ours: verdict('ours'), theirs: verdict('theirs'), both: verdict('both') }

/** The same where both refuse, and only the status, the code or what comes after differs; the test checks it. */
const refusal = (verdict) => (why) => ({ ...verdict(`both refuse. ${why}`), bothRefuse: true })

export const refused = { ours: refusal(right.ours), both: refusal(right.both) }

/** One that the page names first. */
export const matters = (verdict) => ({ ...verdict, matters: true })

// What several tables need.

export const TWICE = right.ours('RFC 6749 sections 3.1 and 3.2: no parameter more than once. Theirs takes the last one')
export const UNKNOWN_CLIENT = refused.ours(
  'RFC 6749 section 5.2: an unknown client is invalid_client; invalid_client_metadata (RFC 7591 section 3.2.2) is about a document',
)
export const METHOD = right.ours('RFC 9110 section 15.5.6: the path exists, the method does not; 405 with Allow')
export const FORM = right.ours('RFC 6749 section 3.2 and RFC 9126 section 2.1 know forms only. Theirs reads JSON as well')
export const PROOF_STATUS = refused.ours(
  'RFC 9449 section 5 answers as RFC 6749 section 5.2 does: 400. 401 is for a client that fails to authenticate',
)
