package ststest

import (
	"encoding/xml"
	"net/http"
)

const namespace = "https://sts.amazonaws.com/doc/2011-06-15/"

type samlResult struct {
	Audience         string
	AssumedRoleUser  assumedRoleUser
	Credentials      credentials
	Issuer           string
	NameQualifier    string
	PackedPolicySize int
	SourceIdentity   string `xml:",omitempty"`
	Subject          string
	SubjectType      string
}

type assumeResult struct {
	AssumedRoleUser  assumedRoleUser
	Credentials      credentials
	PackedPolicySize int
	SourceIdentity   string `xml:",omitempty"`
}

type identityResult struct {
	Arn     string
	UserId  string
	Account string
}

type assumedRoleUser struct {
	AssumedRoleId string
	Arn           string
}

type credentials struct {
	AccessKeyId     string
	SecretAccessKey string
	SessionToken    string
	Expiration      string // RFC 3339 in UTC, whole seconds
}

type errorResponse struct {
	XMLName xml.Name `xml:"ErrorResponse"`
	NS      string   `xml:"xmlns,attr"`
	Error   struct {
		Type, Code, Message string
	}
	RequestId string
}

// document is AWS's answer to an operation: OpResponse with OpResult and the id.
func document(op string, result any, id string) any { return documentIn(namespace, op, result, id) }

func documentIn(space, op string, result any, id string) any {
	type metadata struct{ RequestId string }
	return struct {
		XMLName xml.Name
		NS      string `xml:"xmlns,attr"`
		Result  any
		Meta    metadata `xml:"ResponseMetadata"`
	}{xml.Name{Local: op + "Response"}, space, named{op + "Result", result}, metadata{id}}
}

// named is a value whose element has a name that is known at run time only.
type named struct {
	name  string
	value any
}

// MarshalXML writes the value as an element of that name.
func (n named) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	return e.EncodeElement(n.value, xml.StartElement{Name: xml.Name{Local: n.name}})
}

func (f *Fault) document(id string) any { return f.documentIn(namespace, id) }

func (f *Fault) documentIn(space, id string) any {
	doc := errorResponse{NS: space, RequestId: id}
	doc.Error.Type, doc.Error.Code, doc.Error.Message = "Sender", f.Code, f.Message
	if f.Status >= 500 {
		doc.Error.Type = "Receiver"
	}
	return doc
}

func write(w http.ResponseWriter, status int, id string, doc any) {
	body, err := xml.MarshalIndent(doc, "", "  ")
	if err != nil {
		http.Error(w, "cannot write the answer", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	if id != "" {
		w.Header().Set("X-Amzn-Requestid", id)
	}
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
