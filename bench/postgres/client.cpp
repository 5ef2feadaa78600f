#include "bench/postgres/client.hpp"

#include <stdexcept>

#include <libpq-fe.h>

namespace herald::bench {

void client::closer::operator()(pg_conn* x) const noexcept {
  PQfinish(x);
}

void client::closer::operator()(pg_result* x) const noexcept {
  PQclear(x);
}

client::client(const secret& url) : connection_{PQconnectdb(std::string{url.reveal()}.c_str())} {
  if (PQstatus(connection_.get()) != CONNECTION_OK)
    throw std::runtime_error(PQerrorMessage(connection_.get()));
  PQsetNoticeProcessor(
      connection_.get(), [](void*, const char*) { /* nobody reads notices */ }, nullptr);
}

client::answer client::checked(pg_result* x) {
  answer out{x};
  auto status = PQresultStatus(x);
  if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE)
    throw std::runtime_error(PQerrorMessage(connection_.get()));
  return out;
}

client::table client::query(const std::string& sql, std::initializer_list<std::string> values) {
  std::vector<const char*> texts;
  for (auto& x : values)
    texts.push_back(x.c_str());
  auto rows = checked(PQexecParams(connection_.get(), sql.c_str(), static_cast<int>(texts.size()), nullptr,
                                   texts.data(), nullptr, nullptr, 0));
  table out;
  for (auto i = 0; i < PQntuples(rows.get()); ++i) {
    auto& row = out.emplace_back();
    for (auto c = 0; c < PQnfields(rows.get()); ++c)
      row.emplace_back(PQgetvalue(rows.get(), i, c));
  }
  return out;
}

void client::run(const std::string& sql) {
  checked(PQexec(connection_.get(), sql.c_str()));
}

double client::number(const std::string& sql) {
  return std::stod(query(sql).at(0).at(0));
}

std::string client::copy_out(const std::string& query) {
  checked(PQexec(connection_.get(), ("COPY (" + query + ") TO STDOUT").c_str()));
  std::string out;
  char* line = nullptr;
  int n = 0;
  while ((n = PQgetCopyData(connection_.get(), &line, 0)) > 0) {
    out.append(line, static_cast<std::size_t>(n));
    PQfreemem(line);
  }
  while (auto* rest = PQgetResult(connection_.get()))
    checked(rest);
  return out;
}

void client::copy_in(const std::string& target, std::string_view data) {
  checked(PQexec(connection_.get(), ("COPY " + target + " FROM STDIN").c_str()));
  constexpr std::size_t piece = 1 << 16;
  for (std::size_t at = 0; at < data.size(); at += piece) {
    auto part = data.substr(at, piece);
    if (PQputCopyData(connection_.get(), part.data(), static_cast<int>(part.size())) != 1)
      throw std::runtime_error(PQerrorMessage(connection_.get()));
  }
  if (PQputCopyEnd(connection_.get(), nullptr) != 1)
    throw std::runtime_error(PQerrorMessage(connection_.get()));
  while (auto* rest = PQgetResult(connection_.get()))
    checked(rest);
}

} // namespace herald::bench
