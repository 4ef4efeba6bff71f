// Certificates that a test makes for itself, and a server's TLS with them.
#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <memory>
#include <string>

namespace podium::net {

struct FreeOpenSsl {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};
template <typename T>
using OpenSslPtr = std::unique_ptr<T, FreeOpenSsl>;

struct Certificate {
  OpenSslPtr<EVP_PKEY> key;
  OpenSslPtr<X509> x509;

  /// What a CA file holds.
  void Save(const std::string& path) const {
    const OpenSslPtr<BIO> file(BIO_new_file(path.c_str(), "w"));
    ASSERT_TRUE(file);
    ASSERT_EQ(PEM_write_bio_X509(file.get(), x509.get()), 1);
  }
};

struct CertificateRequest {
  std::string name = "Test";
  std::string alternatives = {};        ///< "DNS:up.example,IP:127.0.0.1"; may be empty.
  std::chrono::hours until{24};         ///< From now; negative: expired.
  const Certificate* issuer = nullptr;  ///< Null: signed by itself.
  bool authority = false;
};

inline void AddExtension(X509& certificate, int kind, const std::string& value) {
  const OpenSslPtr<X509_EXTENSION> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()));
  ASSERT_TRUE(extension) << value;
  ASSERT_EQ(X509_add_ext(&certificate, extension.get(), -1), 1);
}

inline Certificate MakeCertificate(const CertificateRequest& wanted) {
  static long serial = 0;
  Certificate made{OpenSslPtr<EVP_PKEY>(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")),
                   OpenSslPtr<X509>(X509_new())};
  X509* x509 = made.x509.get();
  X509_set_version(x509, 2);  // Counted from 0: v3.
  ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial);
  const long end = std::chrono::duration_cast<std::chrono::seconds>(wanted.until).count();
  X509_gmtime_adj(X509_getm_notBefore(x509), -48L * 3600);
  X509_gmtime_adj(X509_getm_notAfter(x509), end);
  X509_set_pubkey(x509, made.key.get());
  X509_NAME* name = X509_get_subject_name(x509);
  const auto* text = reinterpret_cast<const unsigned char*>(wanted.name.c_str());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0);
  const Certificate& issuer = wanted.issuer != nullptr ? *wanted.issuer : made;
  X509_set_issuer_name(x509, X509_get_subject_name(issuer.x509.get()));
  if (wanted.authority) AddExtension(*x509, NID_basic_constraints, "critical,CA:TRUE");
  if (!wanted.alternatives.empty()) {
    AddExtension(*x509, NID_subject_alt_name, wanted.alternatives);
  }
  EXPECT_GT(X509_sign(x509, issuer.key.get(), EVP_sha256()), 0);
  return made;
}

inline OpenSslPtr<SSL_CTX> ServerTls(const Certificate& certificate) {
  OpenSslPtr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()));
  EXPECT_EQ(SSL_CTX_use_certificate(context.get(), certificate.x509.get()), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey(context.get(), certificate.key.get()), 1);
  SSL_CTX_ctrl(context.get(), SSL_CTRL_MODE,
               SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER, nullptr);
  return context;
}

}  // namespace podium::net
