package adfs

// NotKept are the names of the cookies that must not outlive one sign-in: the request
// under way, the list of where to sign out, the count of recent sign-ins, and the one
// that grows with each of them until requests are refused as too long.
func NotKept() []string {
	return []string{"MSISSamlRequest", "MSISSignOut", loopCookie, "SamlSession"}
}
