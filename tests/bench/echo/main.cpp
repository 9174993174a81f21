// The yardstick of the rates: a bare Boost.Beast server on one thread that reads each request whole
// and answers with bytes recorded from the program it is compared with.
//
//     bench-echo PORT_FILE CREATE_ANSWER COMPLETE_ANSWER
//
// POST gets the first recorded answer, everything else the second.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using Answer = http::response<http::string_body>;

namespace {

struct Answers {
  Answer create;
  Answer complete;
};

Answer read_answer(const char* file) {
  std::ifstream in(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  http::response_parser<http::string_body> parser;
  parser.eager(true);
  boost::system::error_code ec;
  parser.put(asio::buffer(text), ec);
  if (ec || !parser.is_done()) {
    throw std::runtime_error(std::string(file) + " holds no whole HTTP answer");
  }
  return parser.release();
}

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, const Answers& answers)
      : socket_(std::move(socket)), answers_(answers) {
    socket_.set_option(tcp::no_delay(true));
  }

  void read() {
    request_ = {};
    http::async_read(socket_, buffer_, request_,
                     [self = shared_from_this()](boost::system::error_code ec, std::size_t) {
                       if (!ec) {
                         self->write();
                       }
                     });
  }

 private:
  void write() {
    answer_ = request_.method() == http::verb::post ? answers_.create : answers_.complete;
    http::async_write(socket_, answer_,
                      [self = shared_from_this()](boost::system::error_code ec, std::size_t) {
                        if (!ec) {
                          self->read();
                        }
                      });
  }

  tcp::socket socket_;
  const Answers& answers_;
  boost::beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  Answer answer_;
};

void accept(tcp::acceptor& acceptor, const Answers& answers) {
  acceptor.async_accept([&](boost::system::error_code ec, tcp::socket socket) {
    if (!ec) {
      std::make_shared<Connection>(std::move(socket), answers)->read();
    }
    accept(acceptor, answers);
  });
}

void write_port(const std::string& file, std::uint16_t port) {
  const std::string beside = file + ".tmp";
  std::ofstream(beside) << R"({"listen":"127.0.0.1:)" << port << "\"}\n";
  if (std::rename(beside.c_str(), file.c_str()) != 0) {
    throw std::runtime_error("cannot write " + file);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: bench-echo PORT_FILE CREATE_ANSWER COMPLETE_ANSWER\n";
    return 2;
  }
  try {
    const Answers answers{read_answer(argv[2]), read_answer(argv[3])};
    asio::io_context io(1);
    tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
    write_port(argv[1], acceptor.local_endpoint().port());
    accept(acceptor, answers);
    io.run();
  } catch (const std::exception& e) {
    std::cerr << "bench-echo: " << e.what() << "\n";
    return 1;
  }
  return 0;
}
