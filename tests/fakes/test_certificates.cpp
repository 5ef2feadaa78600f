#include "tests/fakes/test_certificates.hpp"

#include <atomic>
#include <fstream>
#include <memory>
#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

namespace herald::test {

namespace {

struct free_openssl {
  void operator()(EVP_PKEY* x) const { EVP_PKEY_free(x); }
  void operator()(X509* x) const { X509_free(x); }
  void operator()(BIO* x) const { BIO_free(x); }
  void operator()(X509_EXTENSION* x) const { X509_EXTENSION_free(x); }
};

template <class T> using owned = std::unique_ptr<T, free_openssl>;

void require(bool ok, const char* what) {
  if (!ok)
    throw std::runtime_error(std::string{"OpenSSL cannot "} + what);
}

template <class Write> std::string pem_of(Write write) {
  owned<BIO> out{BIO_new(BIO_s_mem())};
  require(out && write(out.get()) == 1, "write PEM");
  char* data = nullptr;
  auto size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

void extend(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  owned<X509_EXTENSION> extension{X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str())};
  require(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "extend a certificate");
}

/// Valid from `from` to `to`, both in seconds from now.
owned<X509> blank_certificate(EVP_PKEY* key, const std::string& name, long from, long to) {
  owned<X509> out{X509_new()};
  require(out != nullptr, "make a certificate");
  std::uint64_t serial = 0;
  require(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1, "make a serial number");
  X509_set_version(out.get(), 2);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(out.get()), serial >> 1);
  X509_gmtime_adj(X509_getm_notBefore(out.get()), from);
  X509_gmtime_adj(X509_getm_notAfter(out.get()), to);
  X509_set_pubkey(out.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(out.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return out;
}

constexpr long a_day = 24L * 60 * 60;

} // namespace

struct test_authority::state {
  owned<EVP_PKEY> key{EVP_EC_gen("P-256")};
  owned<X509> certificate;

  server_identity issue(const std::vector<std::string>& names, long from, long to) const {
    owned<EVP_PKEY> leaf_key{EVP_EC_gen("P-256")};
    require(leaf_key != nullptr, "make a key");
    auto leaf = blank_certificate(leaf_key.get(), "test server", from, to);
    X509_set_issuer_name(leaf.get(), X509_get_subject_name(certificate.get()));
    std::string list;
    for (auto& x : names)
      list += (list.empty() ? "" : ",") + x;
    extend(leaf.get(), certificate.get(), NID_subject_alt_name, list);
    extend(leaf.get(), certificate.get(), NID_basic_constraints, "critical,CA:FALSE");
    require(X509_sign(leaf.get(), key.get(), EVP_sha256()) > 0, "sign a certificate");
    return {pem_of([&](BIO* out) { return PEM_write_bio_X509(out, leaf.get()); }), pem_of([&](BIO* out) {
              return PEM_write_bio_PrivateKey(out, leaf_key.get(), nullptr, nullptr, 0, nullptr, nullptr);
            })};
  }
};

test_authority::test_authority() : state_{nullptr} {
  auto made = std::make_unique<state>();
  require(made->key != nullptr, "make a key");
  // Two authorities of one name would be taken for each other.
  static std::atomic<int> count{0};
  auto name = "Herald test authority " + std::to_string(++count);
  made->certificate = blank_certificate(made->key.get(), name, -a_day, a_day);
  auto* certificate = made->certificate.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
  extend(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(certificate, certificate, NID_subject_key_identifier, "hash");
  require(X509_sign(certificate, made->key.get(), EVP_sha256()) > 0, "sign a certificate");
  state_ = made.release();
}

test_authority::~test_authority() {
  delete state_;
}

server_identity test_authority::issue(const std::vector<std::string>& names) const {
  return state_->issue(names, -a_day, a_day);
}

server_identity test_authority::issue_expired(const std::vector<std::string>& names) const {
  return state_->issue(names, -2 * a_day, -a_day);
}

std::string test_authority::pem() const {
  return pem_of([&](BIO* out) { return PEM_write_bio_X509(out, state_->certificate.get()); });
}

std::string test_authority::write_pem(const std::filesystem::path& file) const {
  std::ofstream out{file};
  out << pem();
  require(out.flush().good(), "write the authority's certificate");
  return file.string();
}

} // namespace herald::test
