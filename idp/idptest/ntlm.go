package idptest

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"strings"
	"time"
	"unicode/utf16"

	//lint:ignore SA1019 NTOWFv2 is made of it (MS-NLMP 3.3.2)
	"golang.org/x/crypto/md4"
)

// The messages of NTLM (MS-NLMP 2.2.1), as far as a server of NTLMv2 has to know them.

var ntlmSignature = []byte("NTLMSSP\x00")

// Flags of MS-NLMP 2.2.2.5.
const (
	ntlmUnicode    = 0x00000001
	ntlmTarget     = 0x00000004
	ntlmNTLM       = 0x00000200
	ntlmAlwaysSign = 0x00008000
	ntlmDomain     = 0x00010000
	ntlmExtended   = 0x00080000
	ntlmTargetInfo = 0x00800000
	ntlm128        = 0x20000000
	ntlm56         = 0x80000000
)

// Kinds of a pair in the target information (MS-NLMP 2.2.2.1).
const (
	avEOL              = 0
	avComputer         = 1
	avDomain           = 2
	avDNSComputer      = 3
	avDNSDomain        = 4
	avTimestamp        = 7
	avChannelBindings  = 10
	ntlmProof          = 16 // bytes of NTProofStr
	ntlmFixed          = 28 // bytes between NTProofStr and the pairs
	authenticateFields = 64 // bytes of a type 3 up to its payload, without version and MIC
)

// ntlmType is the type of a message, 0 for what is none.
func ntlmType(msg []byte) uint32 {
	if len(msg) < 12 || !bytes.HasPrefix(msg, ntlmSignature) {
		return 0
	}
	return binary.LittleEndian.Uint32(msg[8:])
}

// ntlmChallenge is a type 2 message with the challenge, of 8 bytes.
func ntlmChallenge(challenge []byte, domain, computer string, now time.Time) []byte {
	target := utf16le(domain)
	var info []byte
	pair := func(id uint16, value []byte) {
		info = binary.LittleEndian.AppendUint16(info, id)
		info = binary.LittleEndian.AppendUint16(info, uint16(len(value)))
		info = append(info, value...)
	}
	pair(avDomain, target)
	pair(avComputer, utf16le(computer))
	pair(avDNSDomain, utf16le("corp.example"))
	pair(avDNSComputer, utf16le(strings.ToLower(computer)+".corp.example"))
	pair(avTimestamp, binary.LittleEndian.AppendUint64(nil, uint64(now.UnixNano()/100+116444736000000000))) // since 1601
	pair(avEOL, nil)
	const head = 48
	msg := binary.LittleEndian.AppendUint32(bytes.Clone(ntlmSignature), 2)
	msg = appendField(msg, len(target), head)
	msg = binary.LittleEndian.AppendUint32(msg, ntlmUnicode|ntlmTarget|ntlmNTLM|ntlmAlwaysSign|ntlmDomain|ntlmExtended|ntlmTargetInfo|ntlm128|ntlm56)
	msg = append(msg, challenge...)
	msg = append(msg, make([]byte, 8)...)
	msg = appendField(msg, len(info), head+len(target))
	return append(append(msg, target...), info...)
}

func appendField(msg []byte, length, offset int) []byte {
	msg = binary.LittleEndian.AppendUint16(msg, uint16(length))
	msg = binary.LittleEndian.AppendUint16(msg, uint16(length))
	return binary.LittleEndian.AppendUint32(msg, uint32(offset))
}

// ntlmAnswer is what a server needs of a type 3 message.
type ntlmAnswer struct {
	domain, user string
	response     []byte // NTLMv2_RESPONSE: NTProofStr and what it was made over
}

var errNTLM = errors.New("no NTLMv2 message of type 3")

// parseNTLM reads a type 3 message.
func parseNTLM(msg []byte) (ntlmAnswer, error) {
	if ntlmType(msg) != 3 || len(msg) < authenticateFields {
		return ntlmAnswer{}, errNTLM
	}
	field := func(at int) ([]byte, bool) {
		length, offset := int(binary.LittleEndian.Uint16(msg[at:])), int(binary.LittleEndian.Uint32(msg[at+4:]))
		if offset > len(msg) || length > len(msg)-offset {
			return nil, false
		}
		return msg[offset : offset+length], true
	}
	response, ok := field(20)
	domain, ok2 := field(28)
	user, ok3 := field(36)
	if !ok || !ok2 || !ok3 || len(response) < ntlmProof+ntlmFixed || binary.LittleEndian.Uint32(msg[60:])&ntlmUnicode == 0 {
		return ntlmAnswer{}, errNTLM
	}
	return ntlmAnswer{fromUTF16(domain), fromUTF16(user), response}, nil
}

// name is the user as AD FS names one.
func (n ntlmAnswer) name() string {
	if n.domain == "" {
		return n.user
	}
	return n.domain + `\` + n.user
}

// proves reports whether the answer was made with the password, to the challenge.
func (n ntlmAnswer) proves(password string, challenge []byte) bool {
	hash := md4.New()
	_, _ = hash.Write(utf16le(password))
	key := hmacMD5(hash.Sum(nil), utf16le(strings.ToUpper(n.user)+n.domain))
	return hmac.Equal(n.response[:ntlmProof], hmacMD5(key, challenge, n.response[ntlmProof:]))
}

// isBound reports whether the answer names the TLS channel that it was made for: the
// simulator takes any for the right one.
func (n ntlmAnswer) isBound() bool {
	pairs := n.response[ntlmProof+ntlmFixed:]
	for len(pairs) >= 4 {
		id, length := binary.LittleEndian.Uint16(pairs), int(binary.LittleEndian.Uint16(pairs[2:]))
		if id == avEOL || length > len(pairs)-4 {
			return false
		}
		value := pairs[4 : 4+length]
		if id == avChannelBindings && len(value) == md5.Size && !bytes.Equal(value, make([]byte, md5.Size)) {
			return true
		}
		pairs = pairs[4+length:]
	}
	return false
}

func hmacMD5(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(md5.New, key)
	for _, p := range parts {
		mac.Write(p)
	}
	return mac.Sum(nil)
}

func utf16le(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

func fromUTF16(b []byte) string {
	var units []uint16
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, binary.LittleEndian.Uint16(b))
	}
	return string(utf16.Decode(units))
}
