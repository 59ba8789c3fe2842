package challenge

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"strings"
)

// digestHash is the hash of an algorithm (RFC 7616, section 3.3), nil for one that is not
// known. What IIS sends is MD5-sess.
func digestHash(algorithm string) (new func() hash.Hash, session bool) {
	base, session := strings.CutSuffix(strings.ToUpper(algorithm), "-SESS")
	switch base {
	case "", "MD5":
		return md5.New, session
	case "SHA-256":
		return sha256.New, session
	case "SHA-512-256":
		return sha512.New512_256, session
	}
	return nil, false
}

// qop is the quality of protection that is used of those offered: "auth", or "" as in
// RFC 2069; ok is false if there is none.
func qop(offered string) (string, bool) {
	if offered == "" {
		return "", true
	}
	for one := range strings.SplitSeq(offered, ",") {
		if strings.EqualFold(strings.TrimSpace(one), "auth") {
			return "auth", true
		}
	}
	return "", false
}

// canDigest reports whether an offer of Digest can be answered.
func canDigest(o Offer) bool {
	h, _ := digestHash(o.Params["algorithm"])
	_, ok := qop(o.Params["qop"])
	return h != nil && ok && o.Params["nonce"] != ""
}

// digest is the Authorization header for an offer that canDigest takes.
func digest(o Offer, method, uri string, who Who) string {
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // never fails (crypto/rand)
	return digestWith(o, method, uri, who, hex.EncodeToString(nonce))
}

// digestWith is digest with the client's nonce given.
func digestWith(o Offer, method, uri string, who Who, cnonce string) string {
	const count = "00000001" // a nonce is answered once
	algorithm := o.Params["algorithm"]
	new, session := digestHash(algorithm)
	sum := func(parts ...string) string {
		h := new()
		h.Write([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(h.Sum(nil))
	}
	realm, nonce := o.Params["realm"], o.Params["nonce"]
	quality, _ := qop(o.Params["qop"])
	a1 := sum(who.Name, realm, who.Password.Reveal())
	if session {
		a1 = sum(a1, nonce, cnonce)
	}
	response := sum(a1, nonce, sum(method, uri))
	if quality != "" {
		response = sum(a1, nonce, count, cnonce, quality, sum(method, uri))
	}
	name, hashed := who.Name, strings.EqualFold(o.Params["userhash"], "true")
	if hashed {
		name = sum(name, realm)
	}
	fields := []string{
		"username=" + quoted(name), "realm=" + quoted(realm), "nonce=" + quoted(nonce), "uri=" + quoted(uri), "response=" + quoted(response),
	}
	if algorithm != "" {
		fields = append(fields, "algorithm="+algorithm)
	}
	if opaque, ok := o.Params["opaque"]; ok {
		fields = append(fields, "opaque="+quoted(opaque))
	}
	if quality != "" {
		fields = append(fields, "qop="+quality, "nc="+count)
	}
	if quality != "" || session {
		fields = append(fields, "cnonce="+quoted(cnonce))
	}
	if hashed {
		fields = append(fields, "userhash=true")
	}
	return "Digest " + strings.Join(fields, ", ")
}

func quoted(s string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"` }
