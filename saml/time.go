package saml

import "time"

// What AWS and the provider's clock allow.
const (
	// redeemWithin is AWS's limit: "Token must be redeemed within 5 minutes of issuance"
	// (the text of ExpiredTokenException).
	redeemWithin = 5 * time.Minute
	// freshFor leaves half a minute of redeemWithin for the call itself.
	freshFor = redeemWithin - 30*time.Second
	// skew is how far clocks may differ before it is worth a word.
	skew = time.Minute
)

// Explain says which time limit of the assertion is broken at now: nil or a
// *TimeError. It is there to explain a refusal of AWS, never to prevent a call: AWS
// goes by its own clock. Limits that the provider does not send are not broken.
func (a *Assertion) Explain(now time.Time) error {
	limits := []struct {
		limit  Limit
		at     time.Time
		broken bool
	}{
		{IssuedInFuture, a.Issued, a.Issued.Sub(now) > skew},
		{NotYetValid, a.NotBefore, now.Before(a.NotBefore)},
		{Expired, a.NotOnOrAfter, !now.Before(a.NotOnOrAfter)},
		{TooOld, a.Issued, now.Sub(a.Issued) > redeemWithin},
	}
	for _, l := range limits {
		if !l.at.IsZero() && l.broken {
			return &TimeError{Limit: l.limit, At: l.at, Now: now}
		}
	}
	return nil
}

// Fresh reports whether AWS will still take the assertion at now, the call included:
// issued less than 4.5 minutes ago, and not more than 5 minutes in the future. One
// without a time of issue is not fresh.
func (a *Assertion) Fresh(now time.Time) bool {
	age := now.Sub(a.Issued)
	return !a.Issued.IsZero() && age < freshFor && age >= -redeemWithin
}
