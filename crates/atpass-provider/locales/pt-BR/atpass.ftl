### Português do Brasil. O sentido dos textos está explicado em en/atpass.ftl. Tratamento: você.

## Every page

on-server = Você está em { $host }
development-server = Servidor de desenvolvimento, somente para este computador
app-on-this-computer = Um aplicativo neste computador
about-app = Sobre
for-developers = Para desenvolvedores
list-separator = {", "}

## Sign in

sign-in-title = Entre
sign-in-for-app = para responder a um aplicativo que pede acesso à sua conta:
sign-in-for-account = para ver quais aplicativos têm acesso à sua conta.
sign-in-identifier = Nome de usuário ou e-mail
sign-in-locked = O aplicativo pediu esta conta. Para usar outra, volte ao aplicativo.
sign-in-password = Senha
sign-in-password-goes-to = Sua senha é enviada somente a { $host }. O aplicativo nunca a vê.
sign-in-remember = Manter-me conectado neste dispositivo
sign-in-submit = Entrar
sign-in-choose = Escolher uma conta já conectada
cancel = Cancelar
sign-in-wrong = O nome de usuário ou e-mail e a senha não combinam. Confira os dois e tente de novo.
sign-in-disabled = Esta conta está desativada. Fale com os responsáveis por este servidor.
sign-in-too-many = Tentativas demais. Tente de novo em cerca de { $minutes ->
        [one] { $minutes } minuto
       *[other] { $minutes } minutos
    }.

## Choose an account

choose-title = Escolha uma conta
choose-for-app = para um aplicativo que pede acesso a ela:
use-another-account = Usar outra conta

## A new account

sign-up-title = Crie uma conta
sign-up-for-app = para um aplicativo que pede acesso a ela:
sign-up-open = Criar uma conta
sign-up-handle = Nome de usuário
sign-up-handle-hint = O nome pelo qual a sua conta será conhecida. Pode ter letras de a a z, algarismos e hifens.
sign-up-domain = Domínio
sign-up-locked = O aplicativo pediu este nome de usuário. Para usar outro, volte ao aplicativo.
sign-up-email = E-mail
sign-up-password-hint = Pelo menos { $least } caracteres.
sign-up-invite = Código de convite
sign-up-submit = Criar a conta
sign-up-sign-in = Entrar em uma conta que você já tem
sign-up-problem = A conta ainda não foi criada. Mude o que está marcado abaixo e digite a senha de novo.
sign-up-handle-taken = Este nome de usuário já está em uso. Escolha outro.
sign-up-handle-refused = Este nome de usuário não é possível aqui: talvez seja curto demais, longo demais ou reservado. Escolha outro com letras de a a z, algarismos e hifens.
sign-up-email-wrong = Nenhum e-mail pode ser enviado a este endereço. Confira se ele se parece com nome@example.com.
sign-up-email-taken = Outra conta tem este e-mail. Use outro ou entre naquela conta.
sign-up-password-short = Esta senha é curta demais. Use pelo menos { $least } caracteres.
sign-up-password-long = Esta senha é longa demais. Use no máximo { $most } caracteres.
sign-up-invite-wrong = Este código de convite não é válido ou já foi usado. Confira o código ou peça outro.
sign-up-unavailable = A conta não pode ser criada no momento, e a culpa não é sua. Tente de novo daqui a alguns minutos. O que você digitou continua aqui, menos a senha.

## Allow access?

consent-title = Permitir o acesso?
consent-heading = Permitir o acesso a { $handle }?
consent-app = Este aplicativo pede o acesso:
consent-permissions = Com isso, ele poderia:
consent-afterwards = Você pode encerrar o acesso dele a qualquer momento em { $host }/account. Depois, seu navegador irá para { $destination }.
consent-scope = Escopo:
consent-account = Conta:
consent-deny = Negar
consent-authorize = Autorizar

## What an app may do

permission-atproto-title = Saber quem você é
permission-atproto-detail = Ver seu nome de usuário e o identificador permanente da sua conta.
permission-generic-title = Usar sua conta
permission-generic-detail = Ler, criar, alterar e excluir suas publicações, suas curtidas, as contas que você segue e todos os outros registros, enviar arquivos, alterar preferências e agir em seu nome em outros serviços. Não pode alterar sua senha nem seu nome de usuário, nem encerrar a conta.
permission-chat-title = Ler e enviar suas mensagens diretas
permission-chat-detail = Em todas as suas conversas, antigas e novas.
permission-email-title = Ver seu endereço de e-mail
permission-email-detail = E se ele está confirmado.
permission-set-defined = Definido por { $domain }.
permission-list = Nomes técnicos
permission-repo-title = { $actions ->
        [create] Criar registros
        [update] Alterar registros
        [delete] Excluir registros
        [create-update] Criar e alterar registros
        [create-delete] Criar e excluir registros
        [update-delete] Alterar e excluir registros
       *[all] Criar, alterar e excluir registros
    }
permission-repo-everything = Todos os seus registros: publicações, curtidas, contas seguidas e os de qualquer outro aplicativo.
permission-repo-kinds = { $count ->
        [one] De 1 tipo, definido por { $domain }.
       *[other] De { $count } tipos, definidos por { $domain }.
    }
permission-repo-many = De { $count } tipos, definidos por { $domains } domínios diferentes.
permission-rpc-title = Agir por você em { $service }
permission-rpc-anywhere-title = Agir por você em qualquer serviço
permission-rpc-everything = Tudo o que este serviço oferece.
permission-rpc-kinds = { $count ->
        [one] 1 tipo de solicitação, definido por { $domain }.
       *[other] { $count } tipos de solicitações, definidos por { $domain }.
    }
permission-rpc-many = { $count } tipos de solicitações, definidos por { $domains } domínios diferentes.
permission-blob-title = Enviar arquivos
permission-blob-kinds = Para a sua conta: { $kinds }.
permission-blob-any = arquivos de qualquer tipo
permission-blob-image = imagens
permission-blob-video = vídeos
permission-blob-audio = sons
permission-email-manage-title = Ver e alterar o seu e-mail
permission-email-manage-detail = O endereço para o qual este servidor escreve quando você esquece a senha.
permission-import-title = Substituir todos os seus registros
permission-import-detail = Por um arquivo inteiro, como ao se mudar de outro servidor para cá.
permission-import-read-title = Saber de importações
permission-import-read-detail = Nada ainda: nenhum servidor oferece algo para isso.
permission-status-title = Ver se a sua conta está ativa
permission-status-detail = E por que não, se não estiver.
permission-status-manage-title = Desativar e ativar a sua conta
permission-status-manage-detail = Enquanto está desativada, ninguém a vê.
permission-handle-title = Mudar o seu nome de usuário
permission-handle-detail = O nome pelo qual a sua conta é conhecida.
permission-identity-title = Controlar a sua identidade
permission-identity-detail = Mudar as chaves da sua conta e o servidor em que ela está. Com isso, um aplicativo pode tirar a conta de você.
permission-space-title = Usar os seus espaços privados
permission-space-detail = Registros que só algumas pessoas podem ver.

## Back to the app

form-post-title = De volta ao aplicativo
form-post-text = Seu navegador leva a resposta a { $host }.
form-post-continue = Continuar

## Your account

account-title = Sua conta
account-apps = Aplicativos com acesso
account-no-apps = Nenhum aplicativo tem acesso à sua conta.
account-times = Conectado { $began ->
        [0] nas últimas 24 horas
        [1] há um dia
       *[other] há { $began } dias
    }, usado pela última vez { $used ->
        [0] nas últimas 24 horas
        [1] há um dia
       *[other] há { $used } dias
    }
account-end = Encerrar o acesso
account-end-label = Encerrar o acesso de { $app }, conectado { $began ->
        [0] nas últimas 24 horas
        [1] há um dia
       *[other] há { $began } dias
    }
account-end-all = Encerrar o acesso de todos os { $count } aplicativos
account-browsers = Navegadores
account-sign-out-here = Sair aqui
account-sign-out-others = Sair de todos os outros navegadores
account-sign-out-hint = Os aplicativos continuam conectados quando você sai de um navegador. Encerre o acesso deles acima.

## What went wrong

problem-form-title = Este formulário não pode ser usado
problem-form-foreign = Ele não veio desta página neste navegador, ou os cookies estão desativados. Volte ao aplicativo e comece de novo.
problem-form-undecided = Ele não diz o que você decidiu. Volte e pressione um dos botões.
problem-signed-out-title = Você saiu da conta
problem-signed-out = Esta conta não está mais conectada neste navegador. Entre de novo para continuar.
problem-link-title = Este link está incompleto
problem-link = O aplicativo enviou seu navegador para cá sem o que é necessário para entrar. Volte ao aplicativo e tente de novo.
problem-expired-title = Este acesso expirou
problem-expired = Ele ficou aberto por tempo demais ou já foi concluído. Volte ao aplicativo e comece de novo.
problem-request-title = Este pedido não pode ser usado
problem-request = O aplicativo enviou algo que este servidor não aceita. Volte ao aplicativo e tente de novo.
problem-ours-title = Algo deu errado aqui
problem-ours = A culpa é nossa, não sua. Nada foi alterado. Tente de novo daqui a pouco.
